package odradek.conformance;

import static odradek.conformance.Check.eventually;
import static odradek.conformance.Check.same;
import static odradek.conformance.Check.that;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** What a consumer does, whichever protocol its group speaks. */
final class ConsumerChecks {
  static List<Check> all(String protocol) {
    List<Check> checks = new ArrayList<>();
    add(checks, protocol, "subscribes, reads everything, commits; the next one goes on from there", ConsumerChecks::subscribe);
    add(checks, protocol, "a second member takes half, and all goes back when it leaves; the listener is told", ConsumerChecks::rebalance);
    add(checks, protocol, "a pattern finds topics, also those made later", ConsumerChecks::pattern);
    add(checks, protocol, "a static member comes back to its partitions", ConsumerChecks::staticMember);
    add(checks, protocol, "seeks to an offset, to the beginning and to the end", ConsumerChecks::seek);
    add(checks, protocol, "offsetsForTimes, beginningOffsets and endOffsets", ConsumerChecks::times);
    add(checks, protocol, "a paused partition gives nothing until it is resumed", ConsumerChecks::pause);
    add(checks, protocol, "commits with metadata, now and in the background", ConsumerChecks::metadata);
    add(checks, protocol, "commits by itself", ConsumerChecks::autoCommit);
    add(checks, protocol, "sees partitions that are added", ConsumerChecks::morePartitions);
    return checks;
  }

  private interface Body {
    void run(Cluster cluster, String protocol) throws Exception;
  }

  private static void add(List<Check> checks, String protocol, String name, Body body) {
    checks.add(new Check("consumer, " + protocol + " protocol: " + name, cluster -> body.run(cluster, protocol)));
  }

  private static Consumer<String, String> member(Cluster cluster, String protocol, String group, String... settings) {
    var all = new ArrayList<>(List.of("group.id", group, "group.protocol", protocol, "metadata.max.age.ms", "500"));
    if (protocol.equals("classic")) all.addAll(List.of("heartbeat.interval.ms", "200"));
    all.addAll(List.of(settings));
    return cluster.consumer(all.toArray(String[]::new));
  }

  private static void subscribe(Cluster cluster, String protocol) throws Exception {
    var topic = cluster.topic(4);
    for (var partition = 0; partition < 4; partition++) cluster.produce(topic, partition, 25);
    var group = cluster.fresh("group");
    try (var consumer = member(cluster, protocol, group)) {
      consumer.subscribe(List.of(topic));
      same(100, Cluster.poll(consumer, 100).size(), "records");
      consumer.commitSync();
    }
    try (var consumer = member(cluster, protocol, group)) {
      cluster.produce(topic, 2, 1);
      consumer.subscribe(List.of(topic));
      var records = Cluster.poll(consumer, 1);
      that(records.size() == 1 && records.get(0).offset() == 25, "after the commit: " + records);
    }
  }

  private static void rebalance(Cluster cluster, String protocol) throws Exception {
    var topic = cluster.topic(4);
    var group = cluster.fresh("group");
    var seen = new Seen();
    try (var first = member(cluster, protocol, group)) {
      first.subscribe(List.of(topic), seen);
      eventually("all four for the first", () -> owns(first, 4));
      try (var second = member(cluster, protocol, group)) {
        second.subscribe(List.of(topic));
        eventually("two each", () -> owns(second, 2) & owns(first, 2));
        Set<TopicPartition> both = new HashSet<>(first.assignment());
        both.addAll(second.assignment());
        same(4, both.size(), "partitions of both together");
      }
      eventually("all four again", () -> owns(first, 4));
    }
    that(seen.assigned >= 6 && seen.revoked >= 6, "the listener was told of " + seen.assigned + " assigned and " + seen.revoked + " revoked");
  }

  private static final class Seen implements ConsumerRebalanceListener {
    int assigned;
    int revoked;

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      assigned += partitions.size();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      revoked += partitions.size();
    }
  }

  private static boolean owns(Consumer<String, String> consumer, int count) {
    consumer.poll(Duration.ofMillis(50));
    return consumer.assignment().size() == count;
  }

  private static void pattern(Cluster cluster, String protocol) throws Exception {
    var prefix = cluster.fresh("pattern") + "-";
    try (var consumer = member(cluster, protocol, cluster.fresh("group")); var producer = cluster.producer()) {
      producer.send(new ProducerRecord<>(prefix + "a", "k", "a")).get();
      consumer.subscribe(Pattern.compile(Pattern.quote(prefix) + ".*"));
      same("a", Cluster.poll(consumer, 1).get(0).value(), "the first topic");
      consumer.commitSync();
      producer.send(new ProducerRecord<>(prefix + "b", "k", "b")).get();
      same("b", Cluster.poll(consumer, 1).get(0).value(), "the topic that came later");
    }
  }

  private static void staticMember(Cluster cluster, String protocol) throws Exception {
    var topic = cluster.topic(4);
    var group = cluster.fresh("group");
    try (var other = member(cluster, protocol, group, "group.instance.id", "two")) {
      Set<TopicPartition> before;
      other.subscribe(List.of(topic));
      try (var one = member(cluster, protocol, group, "group.instance.id", "one")) {
        one.subscribe(List.of(topic));
        eventually("two each", () -> owns(one, 2) & owns(other, 2));
        before = new HashSet<>(one.assignment());
      }
      try (var again = member(cluster, protocol, group, "group.instance.id", "one")) {
        again.subscribe(List.of(topic));
        eventually("its two", () -> {
          that(owns(other, 2), "the other one was rebalanced: " + other.assignment());
          return owns(again, 2);
        });
        same(before, again.assignment(), "partitions of the one that came back");
      }
    }
  }

  private static void seek(Cluster cluster, String protocol) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    cluster.produce(at.topic(), 0, 10);
    try (var consumer = member(cluster, protocol, cluster.fresh("group"))) {
      consumer.subscribe(List.of(at.topic()));
      eventually("the assignment", () -> owns(consumer, 1));
      consumer.seek(at, 7);
      same("7", Cluster.poll(consumer, 1).get(0).value(), "after seek to 7");
      consumer.seekToBeginning(List.of(at));
      same("0", Cluster.poll(consumer, 1).get(0).value(), "after seek to the beginning");
      consumer.seekToEnd(List.of(at));
      same(10L, consumer.position(at), "position at the end");
    }
  }

  private static void times(Cluster cluster, String protocol) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    try (var producer = cluster.producer(); var consumer = member(cluster, protocol, cluster.fresh("group"))) {
      for (var time : List.of(1000L, 2000L, 3000L)) producer.send(new ProducerRecord<>(at.topic(), 0, time, "k", "v")).get();
      same(1L, consumer.offsetsForTimes(Map.of(at, 1500L)).get(at).offset(), "first at or after 1500");
      that(consumer.offsetsForTimes(Map.of(at, 5000L)).get(at) == null, "something after 5000");
      same(0L, consumer.beginningOffsets(List.of(at)).get(at), "beginning");
      same(3L, consumer.endOffsets(List.of(at)).get(at), "end");
    }
  }

  private static void pause(Cluster cluster, String protocol) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    try (var consumer = member(cluster, protocol, cluster.fresh("group"))) {
      consumer.subscribe(List.of(at.topic()));
      eventually("the assignment", () -> owns(consumer, 1));
      consumer.pause(List.of(at));
      cluster.produce(at.topic(), 0, 3);
      same(0, consumer.poll(Duration.ofMillis(500)).count(), "records while paused");
      consumer.resume(List.of(at));
      same(3, Cluster.poll(consumer, 3).size(), "records after resume");
    }
  }

  private static void metadata(Cluster cluster, String protocol) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    try (var consumer = member(cluster, protocol, cluster.fresh("group"))) {
      consumer.subscribe(List.of(at.topic()));
      eventually("the assignment", () -> owns(consumer, 1));
      consumer.commitSync(Map.of(at, new OffsetAndMetadata(3, "a note")));
      same(new OffsetAndMetadata(3, "a note"), consumer.committed(Set.of(at)).get(at), "committed");
      var told = new boolean[1];
      consumer.commitAsync(Map.of(at, new OffsetAndMetadata(4)), (offsets, error) -> told[0] = error == null);
      eventually("the background commit", () -> owns(consumer, 1) && told[0]);
      same(4L, consumer.committed(Set.of(at)).get(at).offset(), "committed in the background");
    }
  }

  private static void autoCommit(Cluster cluster, String protocol) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    cluster.produce(at.topic(), 0, 10);
    var group = cluster.fresh("group");
    try (var consumer = member(cluster, protocol, group, "enable.auto.commit", "true", "auto.commit.interval.ms", "200")) {
      consumer.subscribe(List.of(at.topic()));
      Cluster.poll(consumer, 10);
      eventually("offset 10", () -> {
        consumer.poll(Duration.ofMillis(50));
        var offset = consumer.committed(Set.of(at)).get(at);
        return offset != null && offset.offset() == 10;
      });
    }
  }

  private static void morePartitions(Cluster cluster, String protocol) throws Exception {
    var topic = cluster.topic(1);
    try (var consumer = member(cluster, protocol, cluster.fresh("group")); var admin = cluster.admin()) {
      consumer.subscribe(List.of(topic));
      eventually("one partition", () -> owns(consumer, 1));
      admin.createPartitions(Map.of(topic, org.apache.kafka.clients.admin.NewPartitions.increaseTo(3))).all().get();
      eventually("three partitions", () -> owns(consumer, 3));
      for (var partition = 0; partition < 3; partition++) cluster.produce(topic, partition, 1);
      var partitions = new TreeSet<Integer>();
      for (var record : Cluster.poll(consumer, 3)) partitions.add(record.partition());
      same(Set.of(0, 1, 2), partitions, "partitions that records came from");
    }
  }
}
