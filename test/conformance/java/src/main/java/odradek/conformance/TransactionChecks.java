package odradek.conformance;

import static odradek.conformance.Check.eventually;
import static odradek.conformance.Check.refused;
import static odradek.conformance.Check.same;
import static odradek.conformance.Check.that;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;

final class TransactionChecks {
  private static final String COMMITTED = "read_committed";
  private static final String ALL = "read_uncommitted";

  static List<Check> all() {
    return List.of(
        new Check("transactions: what is committed is read, in all partitions", TransactionChecks::commit),
        new Check("transactions: what is aborted is read by read_uncommitted alone", TransactionChecks::abort),
        new Check("transactions: an open one holds read_committed back, and later commits show in order", TransactionChecks::open),
        new Check("transactions: a hundred one after the other, every third aborted", TransactionChecks::many),
        new Check("transactions: five hundred, every other one aborted before it was flushed", TransactionChecks::rapid),
        new Check("transactions: offsets commit and abort with them", TransactionChecks::offsets),
        new Check("transactions: read, process, write: each record once though half of the tries abort", TransactionChecks::exactlyOnce),
        new Check("transactions: a second producer of the same id fences the first and aborts what it left", TransactionChecks::fencing),
        new Check("transactions: fenceProducers fences, and a new producer goes on", TransactionChecks::adminFencing),
        new Check("transactions: one that outlives its timeout is aborted", TransactionChecks::timeout),
        new Check("transactions: listed, described, and their producers named by partition", TransactionChecks::listed),
        new Check("transactions: aborted by an administrator", TransactionChecks::adminAbort));
  }

  private static Producer<String, String> producer(Cluster cluster, String id, String... settings) {
    var all = new ArrayList<>(List.of(settings));
    all.addAll(List.of("transactional.id", id));
    var producer = cluster.producer(all.toArray(String[]::new));
    producer.initTransactions();
    return producer;
  }

  private static void send(Producer<String, String> producer, String topic, int partition, String... values) {
    for (var value : values) producer.send(new ProducerRecord<>(topic, partition, null, value));
  }

  private static void commit(Cluster cluster) throws Exception {
    var topic = cluster.topic(3);
    try (var producer = producer(cluster, cluster.fresh("tx"))) {
      producer.beginTransaction();
      for (var partition = 0; partition < 3; partition++) send(producer, topic, partition, "a", "b");
      producer.commitTransaction();
    }
    for (var partition = 0; partition < 3; partition++) same(List.of("a", "b"), cluster.valuesOf(topic, partition, COMMITTED), "partition " + partition);
  }

  private static void abort(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    try (var producer = producer(cluster, cluster.fresh("tx"))) {
      producer.beginTransaction();
      send(producer, topic, 0, "lost");
      producer.flush();
      producer.abortTransaction();
      producer.beginTransaction();
      send(producer, topic, 0, "kept");
      producer.commitTransaction();
    }
    same(List.of("kept"), cluster.valuesOf(topic, 0, COMMITTED), "read_committed");
    same(List.of("lost", "kept"), cluster.valuesOf(topic, 0, ALL), "read_uncommitted");
  }

  private static void open(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    try (var slow = producer(cluster, cluster.fresh("tx")); var quick = producer(cluster, cluster.fresh("tx"))) {
      slow.beginTransaction();
      send(slow, topic, 0, "first");
      slow.flush();
      quick.beginTransaction();
      send(quick, topic, 0, "second");
      quick.commitTransaction();
      same(List.of(), cluster.valuesOf(topic, 0, COMMITTED), "read_committed while one is open");
      same(List.of("first", "second"), cluster.valuesOf(topic, 0, ALL), "read_uncommitted while one is open");
      slow.commitTransaction();
      same(List.of("first", "second"), cluster.valuesOf(topic, 0, COMMITTED), "read_committed after its end");
    }
  }

  private static void many(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    List<String> expected = new ArrayList<>();
    try (var producer = producer(cluster, cluster.fresh("tx"))) {
      for (var i = 0; i < 100; i++) {
        producer.beginTransaction();
        send(producer, topic, 0, String.valueOf(i));
        if (i % 3 == 0) {
          producer.flush();
          producer.abortTransaction();
        } else {
          producer.commitTransaction();
          expected.add(String.valueOf(i));
        }
      }
    }
    same(expected, cluster.valuesOf(topic, 0, COMMITTED), "read_committed");
  }

  private static void rapid(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    List<String> expected = new ArrayList<>();
    try (var producer = producer(cluster, cluster.fresh("tx"))) {
      for (var i = 0; i < 500; i++) {
        producer.beginTransaction();
        send(producer, topic, 0, String.valueOf(i));
        if (i % 2 == 0) {
          producer.abortTransaction();
        } else {
          producer.commitTransaction();
          expected.add(String.valueOf(i));
        }
      }
    }
    same(expected, cluster.valuesOf(topic, 0, COMMITTED), "read_committed");
  }

  private static void offsets(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    var group = cluster.fresh("group");
    try (var producer = producer(cluster, cluster.fresh("tx")); var consumer = cluster.consumer("group.id", group)) {
      cluster.produce(at.topic(), 0, 5);
      consumer.assign(List.of(at));
      Cluster.poll(consumer, 5);
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(Map.of(at, new OffsetAndMetadata(3)), consumer.groupMetadata());
      producer.abortTransaction();
      same(-1L, committed(cluster, group, at), "offset after an abort");
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(Map.of(at, new OffsetAndMetadata(5, "note")), consumer.groupMetadata());
      producer.commitTransaction();
      eventually("offset 5", () -> committed(cluster, group, at) == 5L);
    }
  }

  private static long committed(Cluster cluster, String group, TopicPartition at) throws Exception {
    try (var admin = cluster.admin()) {
      var offset = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(at);
      return offset == null ? -1 : offset.offset();
    }
  }

  private static void exactlyOnce(Cluster cluster) throws Exception {
    var source = cluster.topic(1);
    var target = cluster.topic(1);
    cluster.produce(source, 0, 60);
    var group = cluster.fresh("group");
    try (var producer = producer(cluster, cluster.fresh("tx"));
        var consumer = cluster.consumer("group.id", group, "isolation.level", COMMITTED, "max.poll.records", "10")) {
      consumer.subscribe(List.of(source));
      var limit = System.nanoTime() + 30_000_000_000L;
      for (var tries = 0; committed(cluster, group, new TopicPartition(source, 0)) < 60; ) {
        that(System.nanoTime() < limit, "not through after 30 s");
        var records = consumer.poll(java.time.Duration.ofMillis(200));
        if (records.isEmpty()) continue;
        producer.beginTransaction();
        for (var record : records) send(producer, target, 0, record.value());
        producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
        if (tries++ % 2 == 0) {
          producer.abortTransaction();
          goBack(consumer);
        } else producer.commitTransaction();
      }
    }
    same(Cluster.numbers(0, 60), cluster.valuesOf(target, 0, COMMITTED), "what was written");
  }

  private static void goBack(Consumer<String, String> consumer) {
    var committed = consumer.committed(consumer.assignment());
    for (var at : consumer.assignment()) {
      var offset = committed.get(at);
      consumer.seek(at, offset == null ? 0 : offset.offset());
    }
  }

  private static void fencing(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var id = cluster.fresh("tx");
    try (var old = producer(cluster, id)) {
      old.beginTransaction();
      send(old, topic, 0, "of the old one");
      old.flush();
      try (var young = producer(cluster, id)) {
        young.beginTransaction();
        send(young, topic, 0, "of the young one");
        young.commitTransaction();
      }
      refused(ProducerFencedException.class, old::commitTransaction, "commit of the old one");
    }
    same(List.of("of the young one"), cluster.valuesOf(topic, 0, COMMITTED), "read_committed");
  }

  private static void adminFencing(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    var id = cluster.fresh("tx");
    try (var old = producer(cluster, id); var admin = cluster.admin()) {
      old.beginTransaction();
      send(old, topic, 0, "lost");
      old.flush();
      admin.fenceProducers(List.of(id)).all().get();
      var error = Check.errorOf(old::commitTransaction);
      that(error instanceof KafkaException, "commit after being fenced: " + error);
    }
    try (var young = producer(cluster, id)) {
      young.beginTransaction();
      send(young, topic, 0, "kept");
      young.commitTransaction();
    }
    same(List.of("kept"), cluster.valuesOf(topic, 0, COMMITTED), "read_committed");
  }

  private static void timeout(Cluster cluster) throws Exception {
    var topic = cluster.topic(1);
    try (var producer = producer(cluster, cluster.fresh("tx"), "transaction.timeout.ms", "2000", "delivery.timeout.ms", "1500", "request.timeout.ms", "1000", "linger.ms", "0")) {
      producer.beginTransaction();
      send(producer, topic, 0, "too late");
      producer.flush();
      cluster.produce(topic, 0, 1);
      eventually("the abort", () -> cluster.valuesOf(topic, 0, COMMITTED).equals(List.of("0")));
      var error = Check.errorOf(producer::commitTransaction);
      that(error instanceof KafkaException, "commit after the timeout: " + error);
    }
  }

  private static void listed(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    var id = cluster.fresh("tx");
    try (var producer = producer(cluster, id); var admin = cluster.admin()) {
      producer.beginTransaction();
      send(producer, at.topic(), 0, "a");
      producer.flush();
      var ongoing = admin.listTransactions(new ListTransactionsOptions().filterStates(List.of(TransactionState.ONGOING))).all().get();
      that(ongoing.stream().anyMatch(each -> each.transactionalId().equals(id)), "ongoing ones: " + ongoing);
      var described = admin.describeTransactions(List.of(id)).description(id).get();
      same(TransactionState.ONGOING, described.state(), "state");
      same(java.util.Set.of(at), described.topicPartitions(), "partitions");
      var producers = admin.describeProducers(List.of(at)).partitionResult(at).get().activeProducers();
      that(producers.stream().anyMatch(each -> each.producerId() == described.producerId() && each.currentTransactionStartOffset().isPresent()), "producers: " + producers);
      producer.commitTransaction();
      eventually("the end", () -> admin.describeTransactions(List.of(id)).description(id).get().state() == TransactionState.COMPLETE_COMMIT);
    }
  }

  private static void adminAbort(Cluster cluster) throws Exception {
    var at = new TopicPartition(cluster.topic(1), 0);
    try (var producer = producer(cluster, cluster.fresh("tx")); var admin = cluster.admin()) {
      producer.beginTransaction();
      send(producer, at.topic(), 0, "hangs");
      producer.flush();
      cluster.produce(at.topic(), 0, 1);
      var state = admin.describeProducers(List.of(at)).partitionResult(at).get().activeProducers().stream()
          .filter(each -> each.currentTransactionStartOffset().isPresent()).findFirst().orElseThrow();
      admin.abortTransaction(new org.apache.kafka.clients.admin.AbortTransactionSpec(at, state.producerId(), (short) state.producerEpoch(), state.coordinatorEpoch().orElse(0))).all().get();
      eventually("the abort", () -> cluster.valuesOf(at.topic(), 0, COMMITTED).equals(List.of("0")));
    }
  }
}
