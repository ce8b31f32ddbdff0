package odradek.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The broker under test: clients of it, names that nobody else uses, and the few steps that most checks begin with. */
final class Cluster {
  private static final AtomicInteger names = new AtomicInteger();
  final String bootstrap;

  Cluster(String bootstrap) {
    this.bootstrap = bootstrap;
  }

  String fresh(String what) {
    return what + "-" + names.incrementAndGet();
  }

  Admin admin() {
    return Admin.create(Map.of("bootstrap.servers", bootstrap, "request.timeout.ms", "10000", "default.api.timeout.ms", "15000"));
  }

  String topic(int partitions) throws Exception {
    return topic(partitions, Map.of());
  }

  String topic(int partitions, Map<String, String> configs) throws Exception {
    var name = fresh("topic");
    try (var admin = admin()) {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get();
    }
    return name;
  }

  void groupSetting(String group, String key, String value) throws Exception {
    try (var admin = admin()) {
      var resource = new ConfigResource(ConfigResource.Type.GROUP, group);
      var set = new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET);
      admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all().get();
    }
  }

  Producer<String, String> producer(String... settings) {
    return new KafkaProducer<>(with(Map.of("bootstrap.servers", bootstrap, "max.block.ms", "15000", "delivery.timeout.ms", "20000",
        "request.timeout.ms", "10000"), settings), new StringSerializer(), new StringSerializer());
  }

  Consumer<String, String> consumer(String... settings) {
    return new KafkaConsumer<>(with(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", "false",
        "default.api.timeout.ms", "15000"), settings), new StringDeserializer(), new StringDeserializer());
  }

  KafkaShareConsumer<String, String> shareConsumer(String group, String... settings) {
    return new KafkaShareConsumer<>(with(Map.of("bootstrap.servers", bootstrap, "group.id", group, "default.api.timeout.ms", "15000"), settings),
        new StringDeserializer(), new StringDeserializer());
  }

  /** The values "0", "1" … one after the other, into one partition. */
  void produce(String topic, int partition, int count) throws Exception {
    try (var producer = producer("linger.ms", "20")) {
      List<java.util.concurrent.Future<?>> sent = new ArrayList<>();
      for (var i = 0; i < count; i++) sent.add(producer.send(new ProducerRecord<>(topic, partition, "k" + i, String.valueOf(i))));
      for (var each : sent) each.get();
    }
  }

  /** All that a consumer that is assigned to one partition sees from its beginning, up to its end. */
  List<String> valuesOf(String topic, int partition, String isolation) {
    var at = new TopicPartition(topic, partition);
    try (var consumer = consumer("isolation.level", isolation)) {
      consumer.assign(List.of(at));
      consumer.seekToBeginning(List.of(at));
      var end = consumer.endOffsets(List.of(at)).get(at);
      List<String> values = new ArrayList<>();
      var limit = System.nanoTime() + 20_000_000_000L;
      while (consumer.position(at) < end) {
        Check.that(System.nanoTime() < limit, "only at offset " + consumer.position(at) + " of " + end + " after 20 s");
        for (var record : consumer.poll(Duration.ofMillis(100))) values.add(record.value());
      }
      return values;
    }
  }

  /** Polls until there are so many. */
  static List<ConsumerRecord<String, String>> poll(Consumer<String, String> consumer, int count) {
    List<ConsumerRecord<String, String>> records = new ArrayList<>();
    var limit = System.nanoTime() + 20_000_000_000L;
    while (records.size() < count) {
      Check.that(System.nanoTime() < limit, "only " + records.size() + " of " + count + " records after 20 s");
      for (var record : consumer.poll(Duration.ofMillis(100))) records.add(record);
    }
    return records;
  }

  static List<String> numbers(int from, int to) {
    List<String> values = new ArrayList<>();
    for (var i = from; i < to; i++) values.add(String.valueOf(i));
    return values;
  }

  private static Map<String, Object> with(Map<String, Object> base, String... settings) {
    Map<String, Object> all = new HashMap<>(base);
    for (var i = 0; i < settings.length; i += 2) all.put(settings[i], settings[i + 1]);
    return all;
  }
}
