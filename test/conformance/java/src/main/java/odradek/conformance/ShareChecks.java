package odradek.conformance;

import static odradek.conformance.Check.eventually;
import static odradek.conformance.Check.same;
import static odradek.conformance.Check.that;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;

/** Share groups: queues over partitions, each record to one consumer at a time. */
final class ShareChecks {
  private static final String[] EXPLICIT = {"share.acknowledgement.mode", "explicit"};

  static List<Check> all() {
    return List.of(
        new Check("share groups: what was polled counts as done at the next poll", ShareChecks::implicit),
        new Check("share groups: two consumers of one partition get each record once between them", ShareChecks::two),
        new Check("share groups: what is accepted is not delivered again", ShareChecks::accept),
        new Check("share groups: what is released is delivered again, and counted", ShareChecks::release),
        new Check("share groups: what is rejected is not delivered again", ShareChecks::reject),
        new Check("share groups: a consumer that closes gives back what it had", ShareChecks::close),
        new Check("share groups: what is not acknowledged comes back when its lock has passed", ShareChecks::lock),
        new Check("share groups: no record is delivered more often than the limit", ShareChecks::limit),
        new Check("share groups: acknowledgements in the background are told to the callback", ShareChecks::callback),
        new Check("share groups: aborted transactions stay out of read_committed", ShareChecks::readCommitted),
        new Check("share groups: listed and described, offsets listed, altered and deleted", ShareChecks::admin));
  }

  /** A group that begins at the first record. */
  private static String group(Cluster cluster) throws Exception {
    var group = cluster.fresh("share");
    cluster.groupSetting(group, "share.auto.offset.reset", "earliest");
    return group;
  }

  private static List<ConsumerRecord<String, String>> poll(ShareConsumer<String, String> consumer, int count) {
    List<ConsumerRecord<String, String>> records = new ArrayList<>();
    var limit = System.nanoTime() + 20_000_000_000L;
    while (records.size() < count) {
      that(System.nanoTime() < limit, "only " + records.size() + " of " + count + " records after 20 s");
      for (var record : consumer.poll(Duration.ofMillis(200))) records.add(record);
    }
    return records;
  }

  private static List<String> values(List<ConsumerRecord<String, String>> records) {
    return records.stream().map(ConsumerRecord::value).toList();
  }

  private static void nothingFor(ShareConsumer<String, String> consumer, int ms) {
    var limit = System.nanoTime() + ms * 1_000_000L;
    while (System.nanoTime() < limit) {
      var records = consumer.poll(Duration.ofMillis(100));
      that(records.isEmpty(), "there came " + records.count() + " more");
    }
  }

  private static void implicit(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var group = group(cluster);
    cluster.produce(topic, 0, 20);
    try (var consumer = cluster.shareConsumer(group)) {
      consumer.subscribe(Set.of(topic));
      same(Cluster.numbers(0, 20), values(poll(consumer, 20)), "values");
      nothingFor(consumer, 500);
    }
    try (var consumer = cluster.shareConsumer(group)) {
      consumer.subscribe(Set.of(topic));
      nothingFor(consumer, 1500);
    }
  }

  private static void two(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var group = group(cluster);
    try (var one = cluster.shareConsumer(group, "max.poll.records", "5"); var other = cluster.shareConsumer(group, "max.poll.records", "5")) {
      one.subscribe(Set.of(topic));
      other.subscribe(Set.of(topic));
      one.poll(Duration.ofMillis(500));
      other.poll(Duration.ofMillis(500));
      for (var i = 0; i < 10; i++) cluster.produce(topic, 0, 20);
      List<Long> offsets = new ArrayList<>();
      eventually("200 records", () -> {
        for (var consumer : List.of(one, other)) for (var record : consumer.poll(Duration.ofMillis(100))) offsets.add(record.offset());
        return offsets.size() >= 200;
      });
      same(200, offsets.size(), "deliveries");
      same(200, new TreeSet<>(offsets).size(), "records");
    }
  }

  private static void accept(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var group = group(cluster);
    cluster.produce(topic, 0, 5);
    try (var consumer = cluster.shareConsumer(group, EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      for (var record : poll(consumer, 5)) consumer.acknowledge(record, AcknowledgeType.ACCEPT);
      var results = consumer.commitSync();
      that(results.values().stream().allMatch(error -> error.isEmpty()), "results: " + results);
    }
    try (var consumer = cluster.shareConsumer(group, EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      nothingFor(consumer, 1500);
    }
  }

  private static void release(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    cluster.produce(topic, 0, 4);
    try (var consumer = cluster.shareConsumer(group(cluster), EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      for (var record : poll(consumer, 4)) {
        same((short) 1, record.deliveryCount().orElseThrow(), "delivery count of the first time");
        consumer.acknowledge(record, record.offset() % 2 == 0 ? AcknowledgeType.RELEASE : AcknowledgeType.ACCEPT);
      }
      consumer.commitSync();
      var again = poll(consumer, 2);
      same(List.of("0", "2"), values(again), "values that came again");
      for (var record : again) {
        same((short) 2, record.deliveryCount().orElseThrow(), "delivery count of the second time");
        consumer.acknowledge(record, AcknowledgeType.ACCEPT);
      }
      consumer.commitSync();
      nothingFor(consumer, 500);
    }
  }

  private static void reject(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    cluster.produce(topic, 0, 3);
    try (var consumer = cluster.shareConsumer(group(cluster), EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      for (var record : poll(consumer, 3)) consumer.acknowledge(record, record.offset() == 1 ? AcknowledgeType.REJECT : AcknowledgeType.ACCEPT);
      consumer.commitSync();
      nothingFor(consumer, 1000);
    }
  }

  private static void close(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var group = group(cluster);
    cluster.produce(topic, 0, 3);
    try (var consumer = cluster.shareConsumer(group, EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      poll(consumer, 3);
    }
    try (var consumer = cluster.shareConsumer(group, EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      var records = poll(consumer, 3);
      same(Cluster.numbers(0, 3), values(records), "values");
      for (var record : records) consumer.acknowledge(record);
    }
  }

  private static void lock(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var group = group(cluster);
    cluster.groupSetting(group, "share.record.lock.duration.ms", "1000");
    cluster.produce(topic, 0, 2);
    try (var slow = cluster.shareConsumer(group, EXPLICIT); var other = cluster.shareConsumer(group, EXPLICIT)) {
      slow.subscribe(Set.of(topic));
      poll(slow, 2);
      other.subscribe(Set.of(topic));
      var records = poll(other, 2);
      same(Cluster.numbers(0, 2), values(records), "values");
      for (var record : records) {
        same((short) 2, record.deliveryCount().orElseThrow(), "delivery count");
        other.acknowledge(record);
      }
      other.commitSync();
    }
  }

  private static void limit(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    cluster.produce(topic, 0, 1);
    try (var consumer = cluster.shareConsumer(group(cluster), EXPLICIT)) {
      consumer.subscribe(Set.of(topic));
      for (var delivery = 1; delivery <= 5; delivery++) {
        var record = poll(consumer, 1).get(0);
        same((short) delivery, record.deliveryCount().orElseThrow(), "delivery count");
        consumer.acknowledge(record, AcknowledgeType.RELEASE);
        consumer.commitSync();
      }
      nothingFor(consumer, 1500);
    }
  }

  private static void callback(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    cluster.produce(topic, 0, 3);
    try (var consumer = cluster.shareConsumer(group(cluster), EXPLICIT)) {
      Set<Long> told = new TreeSet<>();
      consumer.setAcknowledgementCommitCallback((offsets, error) -> {
        if (error == null) told.addAll(offsets.values().stream().flatMap(Set::stream).collect(Collectors.toSet()));
      });
      consumer.subscribe(Set.of(topic));
      for (var record : poll(consumer, 3)) consumer.acknowledge(record);
      consumer.commitAsync();
      eventually("the callback", () -> {
        consumer.poll(Duration.ofMillis(50));
        return told.equals(Set.of(0L, 1L, 2L));
      });
    }
  }

  private static void readCommitted(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var group = group(cluster);
    cluster.groupSetting(group, "share.isolation.level", "read_committed");
    try (var producer = cluster.producer("transactional.id", cluster.fresh("tx")); var consumer = cluster.shareConsumer(group)) {
      producer.initTransactions();
      for (var value : List.of("aborted", "committed")) {
        producer.beginTransaction();
        producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(topic, 0, null, value));
        producer.flush();
        if (value.equals("aborted")) producer.abortTransaction();
        else producer.commitTransaction();
      }
      consumer.subscribe(Set.of(topic));
      same(List.of("committed"), values(poll(consumer, 1)), "values");
      nothingFor(consumer, 500);
    }
  }

  private static void admin(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    var group = group(cluster);
    cluster.produce(at.topic(), 0, 10);
    try (var admin = cluster.admin()) {
      try (var consumer = cluster.shareConsumer(group)) {
        consumer.subscribe(Set.of(at.topic()));
        poll(consumer, 10);
        consumer.commitSync();
        that(admin.listGroups(ListGroupsOptions.forShareGroups()).all().get().stream().anyMatch(each -> each.groupId().equals(group) && each.type().equals(java.util.Optional.of(GroupType.SHARE))), "the list has it not");
        var described = admin.describeShareGroups(List.of(group)).all().get().get(group);
        same(Set.of(at), described.members().iterator().next().assignment().topicPartitions(), "assignment");
      }
      eventually("an empty group", () -> admin.describeShareGroups(List.of(group)).all().get().get(group).members().isEmpty());
      same(10L, startOffset(admin, group, at), "start offset");
      admin.alterShareGroupOffsets(group, Map.of(at, 4L)).all().get();
      same(4L, startOffset(admin, group, at), "start offset that was set");
      try (var consumer = cluster.shareConsumer(group)) {
        consumer.subscribe(Set.of(at.topic()));
        same(Cluster.numbers(4, 10), values(poll(consumer, 6)), "values from there");
      }
      eventually("an empty group", () -> admin.describeShareGroups(List.of(group)).all().get().get(group).members().isEmpty());
      admin.deleteShareGroupOffsets(group, Set.of(at.topic())).all().get();
      admin.deleteShareGroups(List.of(group)).all().get();
    }
  }

  private static long startOffset(org.apache.kafka.clients.admin.Admin admin, String group, TopicPartition at) throws Exception {
    var spec = new org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec();
    var offset = admin.listShareGroupOffsets(Map.of(group, spec)).partitionsToOffsetInfo(group).get().get(at);
    return offset == null ? -1 : offset.startOffset();
  }
}
