package odradek.conformance;

import static odradek.conformance.Check.refused;
import static odradek.conformance.Check.same;
import static odradek.conformance.Check.that;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The cluster, its topics and their settings. Groups and transactions are looked at where they are used. */
final class AdminChecks {
  static List<Check> all() {
    return List.of(
        new Check("admin: the cluster says its id, its controller and its nodes", AdminChecks::cluster),
        new Check("admin: finalized features are those of Kafka 4", AdminChecks::features),
        new Check("admin: a topic is made, described, listed and deleted", AdminChecks::topics),
        new Check("admin: partitions are added to a topic", AdminChecks::partitions),
        new Check("admin: settings of a topic are set, appended to, read back and taken away", AdminChecks::configs),
        new Check("admin: settings of a broker are described", AdminChecks::brokerConfigs),
        new Check("admin: settings of a group are set and read back", AdminChecks::groupConfigs),
        new Check("admin: records before an offset are deleted", AdminChecks::deleteRecords),
        new Check("admin: offsets are listed by place and by time", AdminChecks::offsets),
        new Check("admin: log folders are described", AdminChecks::logDirs));
  }

  private static void cluster(Cluster cluster) throws Exception {
    try (var admin = cluster.admin()) {
      var described = admin.describeCluster();
      that(!described.clusterId().get().isEmpty(), "no cluster id");
      var nodes = described.nodes().get();
      that(!nodes.isEmpty(), "no nodes");
      that(nodes.stream().anyMatch(node -> node.id() == id(described)), "the controller is none of the nodes");
    }
  }

  private static int id(org.apache.kafka.clients.admin.DescribeClusterResult described) {
    try {
      return described.controller().get().id();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static void features(Cluster cluster) throws Exception {
    try (var admin = cluster.admin()) {
      var finalized = admin.describeFeatures().featureMetadata().get().finalizedFeatures();
      for (var wanted : Map.of("transaction.version", 2, "group.version", 1, "share.version", 1).entrySet()) {
        var level = finalized.get(wanted.getKey());
        that(level != null && level.maxVersionLevel() >= wanted.getValue(), wanted.getKey() + " is " + level);
      }
    }
  }

  private static void topics(Cluster cluster) throws Exception {
    var name = cluster.fresh("topic");
    try (var admin = cluster.admin()) {
      var made = admin.createTopics(List.of(new NewTopic(name, 3, (short) 1).configs(Map.of("retention.ms", "60000"))));
      made.all().get();
      same(3, made.numPartitions(name).get(), "partitions that were made");
      refused(TopicExistsException.class, () -> admin.createTopics(List.of(new NewTopic(name, 3, (short) 1))).all().get(), "the same again");
      var described = admin.describeTopics(List.of(name)).allTopicNames().get().get(name);
      same(3, described.partitions().size(), "partitions");
      that(described.partitions().stream().allMatch(partition -> partition.leader() != null), "a partition has no leader");
      same(described.topicId(), made.topicId(name).get(), "topic id");
      that(admin.listTopics().names().get().contains(name), "the list has it not");
      admin.deleteTopics(List.of(name)).all().get();
      refused(UnknownTopicOrPartitionException.class, () -> admin.describeTopics(List.of(name)).allTopicNames().get(), "after deletion");
    }
  }

  private static void partitions(Cluster cluster) throws Exception {
    var name = cluster.topic(1);
    try (var admin = cluster.admin()) {
      admin.createPartitions(Map.of(name, NewPartitions.increaseTo(4))).all().get();
      same(4, admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size(), "partitions");
    }
  }

  private static void configs(Cluster cluster) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, cluster.topic(1));
    try (var admin = cluster.admin()) {
      alter(admin, resource, "retention.ms", "123456", AlterConfigOp.OpType.SET);
      alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
      same("123456", read(admin, resource, "retention.ms").value(), "retention.ms");
      same(Set.of("delete", "compact"), Set.of(read(admin, resource, "cleanup.policy").value().split(",")), "cleanup.policy");
      alter(admin, resource, "retention.ms", "", AlterConfigOp.OpType.DELETE);
      that(read(admin, resource, "retention.ms").isDefault(), "retention.ms is not the default again");
    }
  }

  private static void brokerConfigs(Cluster cluster) throws Exception {
    try (var admin = cluster.admin()) {
      var node = admin.describeCluster().nodes().get().iterator().next().idString();
      same("4", read(admin, new ConfigResource(ConfigResource.Type.BROKER, node), "num.partitions").value(), "num.partitions");
    }
  }

  private static void groupConfigs(Cluster cluster) throws Exception {
    var group = cluster.fresh("group");
    cluster.groupSetting(group, "consumer.session.timeout.ms", "50000");
    try (var admin = cluster.admin()) {
      var resource = new ConfigResource(ConfigResource.Type.GROUP, group);
      same("50000", read(admin, resource, "consumer.session.timeout.ms").value(), "consumer.session.timeout.ms");
    }
  }

  private static void alter(Admin admin, ConfigResource resource, String key, String value, AlterConfigOp.OpType type) throws Exception {
    var alteration = new AlterConfigOp(new ConfigEntry(key, value), type);
    admin.incrementalAlterConfigs(Map.of(resource, List.of(alteration))).all().get();
  }

  private static ConfigEntry read(Admin admin, ConfigResource resource, String key) throws Exception {
    var entry = admin.describeConfigs(List.of(resource)).all().get().get(resource).get(key);
    that(entry != null, key + " is not described");
    return entry;
  }

  private static void deleteRecords(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    cluster.produce(at.topic(), 0, 10);
    try (var admin = cluster.admin()) {
      var low = admin.deleteRecords(Map.of(at, RecordsToDelete.beforeOffset(6))).lowWatermarks().get(at).get().lowWatermark();
      same(6L, low, "low watermark");
      same(Cluster.numbers(6, 10), cluster.valuesOf(at.topic(), 0, "read_uncommitted"), "what is left");
    }
  }

  private static void offsets(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    try (var producer = cluster.producer(); var admin = cluster.admin()) {
      for (var time : List.of(1000L, 3000L, 2000L)) producer.send(new ProducerRecord<>(at.topic(), 0, time, "k", "v")).get();
      var asked = Map.of("earliest", OffsetSpec.earliest(), "latest", OffsetSpec.latest(), "newest", OffsetSpec.maxTimestamp(), "from 1500", OffsetSpec.forTimestamp(1500));
      var seen = asked.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, entry -> offset(admin, at, entry.getValue())));
      same(Map.of("earliest", 0L, "latest", 3L, "newest", 1L, "from 1500", 1L), seen, "offsets");
    }
  }

  private static long offset(Admin admin, TopicPartition at, OffsetSpec spec) {
    try {
      return admin.listOffsets(Map.of(at, spec)).partitionResult(at).get().offset();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static void logDirs(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    cluster.produce(topic, 0, 10);
    try (var admin = cluster.admin()) {
      var node = admin.describeCluster().nodes().get().iterator().next().id();
      var folders = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
      var sizes = folders.values().stream().flatMap(folder -> folder.replicaInfos().entrySet().stream())
          .filter(entry -> entry.getKey().topic().equals(topic)).map(entry -> entry.getValue().size()).toList();
      that(sizes.size() == 1 && sizes.get(0) > 0, "sizes of the partition: " + sizes);
    }
  }
}
