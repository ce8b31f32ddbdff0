package odradek.conformance;

import static odradek.conformance.Check.refused;
import static odradek.conformance.Check.same;
import static odradek.conformance.Check.that;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.internals.RecordHeader;

final class ProducerChecks {
  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    for (var acks : List.of("0", "1", "all"))
      checks.add(new Check("producer: acks=" + acks + ", everything arrives in order", cluster -> acks(cluster, acks)));
    for (var codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
      checks.add(new Check("producer: compression " + codec + " comes back as it was", cluster -> codec(cluster, codec)));
    checks.add(new Check("producer: idempotent, five requests in flight, offsets without holes", ProducerChecks::idempotent));
    checks.add(new Check("producer: headers, null keys, null values and times come back", ProducerChecks::everyField));
    checks.add(new Check("producer: LogAppendTime is the broker's, and it says so", ProducerChecks::appendTime));
    checks.add(new Check("producer: a batch above max.message.bytes is refused", ProducerChecks::tooLarge));
    checks.add(new Check("producer: a topic is made by its first record", ProducerChecks::autoCreate));
    return checks;
  }

  private static void acks(Cluster cluster, String acks) throws Exception {
    var topic = cluster.topic(1);
    try (var producer = cluster.producer("acks", acks, "enable.idempotence", acks.equals("all") ? "true" : "false", "max.in.flight.requests.per.connection", "1")) {
      for (var i = 0; i < 200; i++) producer.send(new ProducerRecord<>(topic, 0, null, String.valueOf(i)));
    }
    Check.eventually("200 records", () -> cluster.valuesOf(topic, 0, "read_uncommitted").size() == 200);
    same(Cluster.numbers(0, 200), cluster.valuesOf(topic, 0, "read_uncommitted"), "values");
  }

  private static void codec(Cluster cluster, String codec) throws Exception {
    var topic = cluster.topic(1);
    var padding = "the same again and again ".repeat(40);
    try (var producer = cluster.producer("compression.type", codec, "linger.ms", "50")) {
      for (var i = 0; i < 500; i++) producer.send(new ProducerRecord<>(topic, 0, null, i + padding));
    }
    var values = cluster.valuesOf(topic, 0, "read_uncommitted");
    same(500, values.size(), "records");
    for (var i = 0; i < 500; i++) same(i + padding, values.get(i), "value " + i);
  }

  private static void idempotent(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (var producer = cluster.producer("enable.idempotence", "true", "max.in.flight.requests.per.connection", "5", "batch.size", "200")) {
      for (var i = 0; i < 1000; i++) sent.add(producer.send(new ProducerRecord<>(topic, 0, null, String.valueOf(i))));
    }
    for (var i = 0; i < 1000; i++) same((long) i, sent.get(i).get().offset(), "offset of record " + i);
  }

  private static void everyField(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    try (var producer = cluster.producer(); var consumer = cluster.consumer()) {
      producer.send(new ProducerRecord<>(at.topic(), 0, 1234567L, null, null, List.of(new RecordHeader("a", new byte[] {1}), new RecordHeader("a", null)))).get();
      consumer.assign(List.of(at));
      consumer.seekToBeginning(List.of(at));
      var record = Cluster.poll(consumer, 1).get(0);
      that(record.key() == null && record.value() == null, "key " + record.key() + ", value " + record.value());
      same(1234567L, record.timestamp(), "time");
      var headers = record.headers().toArray();
      that(headers.length == 2 && headers[0].value()[0] == 1 && headers[1].value() == null, "headers: " + record.headers());
    }
  }

  private static void appendTime(Cluster cluster) throws Exception {
    var topic = cluster.topic(1, Map.of("message.timestamp.type", "LogAppendTime"));
    var before = System.currentTimeMillis();
    try (var producer = cluster.producer()) {
      var time = producer.send(new ProducerRecord<>(topic, 0, 1000L, null, "v")).get().timestamp();
      that(time >= before - 1000 && time < before + 60_000, "time " + time + ", sent at " + before);
    }
  }

  private static void tooLarge(Cluster cluster) throws Exception {
    var topic = cluster.topic(1, Map.of("max.message.bytes", "1000"));
    try (var producer = cluster.producer()) {
      refused(RecordTooLargeException.class, () -> producer.send(new ProducerRecord<>(topic, 0, null, "x".repeat(5000))).get(), "5,000 bytes");
      same(0L, producer.send(new ProducerRecord<>(topic, 0, null, "small")).get().offset(), "the next one's offset");
    }
  }

  private static void autoCreate(Cluster cluster) throws Exception {
    var topic = cluster.fresh("made-by-use");
    try (var producer = cluster.producer()) {
      producer.send(new ProducerRecord<>(topic, "k", "v")).get();
      same(4, producer.partitionsFor(topic).size(), "partitions");
    }
  }
}
