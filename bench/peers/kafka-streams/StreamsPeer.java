import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The applications of bench/streams/applications.ts in Kafka Streams, one thread, everything else as it is by default. A line of input is a
 * job, `name=value …`; a line of output is its result, in the same form. One process does all jobs, so that the later ones run compiled.
 */
public class StreamsPeer {
  static final Serde<String> text = Serdes.String();
  static volatile Run run;

  /** One job: its clock starts with the first record. */
  static class Run {
    final long expected;
    final CountDownLatch done = new CountDownLatch(1);
    final AtomicLong restored = new AtomicLong();
    DoubleSupplier commits;
    double commitsBefore;
    long seen, began, cpu;

    Run(long expected) {
      this.expected = expected;
    }

    void begin() {
      if (began != 0) return;
      began = System.nanoTime();
      cpu = cpuTime();
    }

    /** Whether this was the last one. */
    boolean saw() {
      if (++seen < expected) return false;
      commitsBefore = commits.getAsDouble();
      done.countDown();
      return true;
    }
  }

  static long cpuTime() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  public static void main(String[] args) throws Exception {
    BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in));
    System.out.println("ready");
    for (String line = jobs.readLine(); line != null; line = jobs.readLine()) {
      Map<String, String> job = new HashMap<>();
      for (String pair : line.split(" ")) job.put(pair.split("=", 2)[0], pair.split("=", 2)[1]);
      System.out.println(measured(job));
    }
    System.exit(0);
  }

  static String measured(Map<String, String> job) throws Exception {
    Run current = run = new Run(Long.parseLong(job.get("expected")));
    StreamsBuilder builder = new StreamsBuilder();
    application(builder, job);
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, job.get("applicationId"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, job.get("bootstrap"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, job.get("stateFolder"));
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, job.get("cacheMaxBytes"));
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      current.done.countDown();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    boolean restores = job.get("application").equals("restore");
    if (restores) listenToRestore(streams, current);
    current.commits = () -> commits(streams);
    streams.start();
    current.done.await();
    if (!restores) while (commits(streams) == current.commitsBefore && streams.state().isRunningOrRebalancing()) Thread.sleep(5);
    long ended = System.nanoTime(), cpu = cpuTime();
    boolean failed = !streams.state().isRunningOrRebalancing();
    streams.close(Duration.ofSeconds(60));
    if (failed) return "failed=" + job.get("application");
    return "seconds=" + (ended - current.began) / 1e9 + " cpuSeconds=" + (cpu - current.cpu) / 1e9 + " residentMegabytes=0";
  }

  static double commits(KafkaStreams streams) {
    for (Metric metric : streams.metrics().values())
      if (metric.metricName().name().equals("commit-total")) return (double) metric.metricValue();
    return 0;
  }

  static void listenToRestore(KafkaStreams streams, Run current) {
    streams.setGlobalStateRestoreListener(new StateRestoreListener() {
      public void onRestoreStart(TopicPartition partition, String store, long from, long end) {
        synchronized (current) {
          current.begin();
        }
      }

      public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

      public void onRestoreEnd(TopicPartition partition, String store, long total) {
        if (current.restored.addAndGet(total) == current.expected) current.done.countDown();
      }
    });
  }

  static KStream<String, String> input(StreamsBuilder builder, String topic) {
    return builder.stream(topic, Consumed.with(text, text)).peek((key, value) -> run.begin());
  }

  static KStream<String, String> counted(StreamsBuilder builder, String topic) {
    return input(builder, topic).processValues(Counting::new);
  }

  /** Passes everything on; the last record asks for a commit. */
  static class Counting extends ContextualFixedKeyProcessor<String, String, String> {
    public void process(FixedKeyRecord<String, String> record) {
      if (run.saw()) context().commit();
      context().forward(record);
    }
  }

  static void application(StreamsBuilder builder, Map<String, String> job) {
    String[] inputs = job.get("inputs").split(",");
    String output = job.get("output");
    Produced<String, String> texts = Produced.with(text, text);
    switch (job.get("application")) {
      case "pass-through" -> counted(builder, inputs[0]).to(output, texts);
      case "word-count" -> input(builder, inputs[0])
          .flatMapValues(line -> Arrays.asList(line.toLowerCase().split(" ")))
          .selectKey((key, word) -> word)
          .repartition(Repartitioned.with(text, text).withName("words"))
          .processValues(Counting::new)
          .groupByKey(Grouped.with(text, text))
          .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts"))
          .toStream()
          .to(output, Produced.with(text, Serdes.Long()));
      case "tumbling-count" -> counted(builder, inputs[0])
          .groupByKey(Grouped.with(text, text))
          .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(10), Duration.ofSeconds(1)))
          .count(Materialized.as("counts"))
          .toStream()
          .to(output, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, 10_000), Serdes.Long()));
      case "stream-stream-join" -> counted(builder, inputs[0])
          .join(counted(builder, inputs[1]), (left, right) -> left + right,
              JoinWindows.ofTimeDifferenceAndGrace(Duration.ofSeconds(5), Duration.ofSeconds(1)),
              StreamJoined.with(text, text, text).withStoreName("pairs").withName("pairs"))
          .to(output, texts);
      case "table-table-join" -> counted(builder, inputs[0]).toTable(Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("left").withKeySerde(text).withValueSerde(text))
          .join(counted(builder, inputs[1]).toTable(Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("right").withKeySerde(text).withValueSerde(text)), (left, right) -> left + right)
          .toStream()
          .to(output, texts);
      case "restore" -> builder.table(inputs[0], Consumed.with(text, text), Materialized.as("table"));
      default -> throw new IllegalArgumentException("no such application: " + job.get("application"));
    }
  }
}
