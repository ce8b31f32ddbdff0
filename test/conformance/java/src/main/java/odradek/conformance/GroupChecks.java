package odradek.conformance;

import static odradek.conformance.Check.eventually;
import static odradek.conformance.Check.refused;
import static odradek.conformance.Check.same;
import static odradek.conformance.Check.that;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.UnsupportedAssignorException;

/** What is special to one protocol, what happens between the two, and how groups look to an administrator. */
final class GroupChecks {
  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    checks.add(new Check("groups: cooperative rebalancing of the classic protocol takes away only what moves", GroupChecks::cooperative));
    for (var assignor : List.of("uniform", "range"))
      checks.add(new Check("groups: the server's " + assignor + " assignor shares partitions out", cluster -> serverAssignor(cluster, assignor)));
    checks.add(new Check("groups: an assignor that the server has not is refused", GroupChecks::unknownAssignor));
    checks.add(new Check("groups: the server finds topics by a pattern (RE2J)", GroupChecks::serverPattern));
    checks.add(new Check("groups: a classic and a new member share one group, and each takes over from the other", GroupChecks::migration));
    for (var protocol : List.of("classic", "consumer"))
      checks.add(new Check("groups: a " + protocol + " group is listed and described with its member", cluster -> described(cluster, protocol)));
    checks.add(new Check("groups: offsets are altered, listed and deleted, the group is deleted", GroupChecks::offsets));
    checks.add(new Check("groups: a member is removed by an administrator", GroupChecks::removed));
    return checks;
  }

  private static boolean owns(Consumer<String, String> consumer, int count) {
    consumer.poll(Duration.ofMillis(50));
    return consumer.assignment().size() == count;
  }

  private static Set<TopicPartition> together(Consumer<String, String> one, Consumer<String, String> other) {
    Set<TopicPartition> both = new HashSet<>(one.assignment());
    both.addAll(other.assignment());
    return both;
  }

  private static void cooperative(Cluster cluster) throws Exception {
    var topic = cluster.topic(4);
    var settings = new String[] {"group.id", cluster.fresh("group"), "group.protocol", "classic", "heartbeat.interval.ms", "200",
        "partition.assignment.strategy", CooperativeStickyAssignor.class.getName()};
    try (var first = cluster.consumer(settings); var second = cluster.consumer(settings)) {
      first.subscribe(List.of(topic));
      eventually("all four for the first", () -> owns(first, 4));
      second.subscribe(List.of(topic));
      eventually("two each", () -> {
        that(first.assignment().size() >= 2, "the first one owned " + first.assignment());
        return owns(second, 2) & owns(first, 2);
      });
      same(4, together(first, second).size(), "partitions of both together");
    }
  }

  private static void serverAssignor(Cluster cluster, String assignor) throws Exception {
    var topics = List.of(cluster.topic(3), cluster.topic(3));
    var settings = new String[] {"group.id", cluster.fresh("group"), "group.protocol", "consumer", "group.remote.assignor", assignor};
    try (var first = cluster.consumer(settings); var second = cluster.consumer(settings)) {
      first.subscribe(topics);
      second.subscribe(topics);
      eventually("all six shared out", () -> {
        first.poll(Duration.ofMillis(50));
        second.poll(Duration.ofMillis(50));
        // Of three partitions a topic, range gives two to one member and one to the other, of both topics alike.
        var most = Math.max(first.assignment().size(), second.assignment().size());
        return together(first, second).size() == 6 && most == (assignor.equals("uniform") ? 3 : 4);
      });
    }
  }

  private static void unknownAssignor(Cluster cluster) throws Exception {
    try (var consumer = cluster.consumer("group.id", cluster.fresh("group"), "group.protocol", "consumer", "group.remote.assignor", "nobody-has-it")) {
      consumer.subscribe(List.of(cluster.topic(1)));
      refused(UnsupportedAssignorException.class, () -> {
        for (var i = 0; i < 50; i++) consumer.poll(Duration.ofMillis(100));
      }, "the assignor");
    }
  }

  private static void serverPattern(Cluster cluster) throws Exception {
    var topic = cluster.topic(2);
    cluster.produce(topic, 1, 3);
    try (var consumer = cluster.consumer("group.id", cluster.fresh("group"), "group.protocol", "consumer")) {
      consumer.subscribe(new SubscriptionPattern(topic.substring(0, topic.length() - 1) + "[" + topic.charAt(topic.length() - 1) + "]$"));
      for (var record : Cluster.poll(consumer, 3)) same(topic, record.topic(), "topic");
    }
  }

  private static void migration(Cluster cluster) throws Exception {
    var topic = cluster.topic(4);
    var group = cluster.fresh("group");
    cluster.produce(topic, 0, 5);
    try (var classic = cluster.consumer("group.id", group, "group.protocol", "classic", "heartbeat.interval.ms", "200")) {
      classic.subscribe(List.of(topic));
      Cluster.poll(classic, 5);
      classic.commitSync();
      try (var modern = cluster.consumer("group.id", group, "group.protocol", "consumer")) {
        modern.subscribe(List.of(topic));
        eventually("two each", () -> owns(modern, 2) & owns(classic, 2));
        same(4, together(classic, modern).size(), "partitions of both together");
      }
      eventually("all four back with the classic one", () -> owns(classic, 4));
      cluster.produce(topic, 0, 1);
      same(5L, Cluster.poll(classic, 1).get(0).offset(), "offset it goes on from");
    }
  }

  private static void described(Cluster cluster, String protocol) throws Exception {
    var topic = cluster.topic(2);
    var group = cluster.fresh("group");
    var type = protocol.equals("classic") ? GroupType.CLASSIC : GroupType.CONSUMER;
    try (var consumer = cluster.consumer("group.id", group, "group.protocol", protocol, "client.id", "who"); var admin = cluster.admin()) {
      consumer.subscribe(List.of(topic));
      eventually("the assignment", () -> owns(consumer, 2));
      eventually("stable", () -> owns(consumer, 2) && admin.describeConsumerGroups(List.of(group)).all().get().get(group).groupState() == GroupState.STABLE);
      var listed = admin.listGroups(new ListGroupsOptions().withTypes(Set.of(type))).all().get();
      that(listed.stream().anyMatch(each -> each.groupId().equals(group)), "groups of type " + type + ": " + listed);
      var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
      same(type, described.type(), "type");
      var member = described.members().iterator().next();
      same("who", member.clientId(), "client id");
      same(consumer.assignment(), member.assignment().topicPartitions(), "assignment");
    }
  }

  private static void offsets(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(2), 0);
    var other = new TopicPartition(at.topic(), 1);
    cluster.produce(at.topic(), 0, 10);
    var group = cluster.fresh("group");
    try (var admin = cluster.admin()) {
      admin.alterConsumerGroupOffsets(group, Map.of(at, new OffsetAndMetadata(7), other, new OffsetAndMetadata(0))).all().get();
      var listed = admin.listConsumerGroupOffsets(Map.of(group, new ListConsumerGroupOffsetsSpec())).partitionsToOffsetAndMetadata(group).get();
      same(7L, listed.get(at).offset(), "offset that was set");
      try (var consumer = cluster.consumer("group.id", group, "group.protocol", "classic")) {
        consumer.subscribe(List.of(at.topic()));
        same("7", Cluster.poll(consumer, 1).get(0).value(), "first value read");
        refused(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get(), "deleting it while it is in use");
      }
      eventually("an empty group", () -> admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().isEmpty());
      admin.deleteConsumerGroupOffsets(group, Set.of(other)).all().get();
      that(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(other) == null, "the deleted offset is there");
      admin.deleteConsumerGroups(List.of(group)).all().get();
      refused(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of(group)).all().get(), "after deletion");
    }
  }

  private static void removed(Cluster cluster) throws Exception {
    var group = cluster.fresh("group");
    try (var consumer = cluster.consumer("group.id", group, "group.protocol", "classic", "group.instance.id", "one"); var admin = cluster.admin()) {
      consumer.subscribe(List.of(cluster.topic(1)));
      eventually("the assignment", () -> owns(consumer, 1));
      var member = new org.apache.kafka.clients.admin.MemberToRemove("one");
      admin.removeMembersFromConsumerGroup(group, new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions(List.of(member))).all().get();
      that(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().isEmpty(), "it is still a member");
    }
  }
}
