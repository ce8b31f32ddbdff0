import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.*;

/** The topology of take-over.ts in Kafka Streams: bootstrap, application id, folder for state. Ends when its stdin does. */
public class TakeOver {
  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "100");
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0");
    config.put("consumer.auto.offset.reset", "earliest");
    config.put("consumer.session.timeout.ms", "6000");
    config.put("consumer.heartbeat.interval.ms", "1000");
    StreamsBuilder builder = new StreamsBuilder();
    Consumed<String, String> text = Consumed.with(Serdes.String(), Serdes.String());
    Produced<String, Long> counts = Produced.with(Serdes.String(), Serdes.Long());
    KStream<String, String> words = builder.stream("words", text);
    words.groupBy((key, word) -> word, Grouped.with("by-word", Serdes.String(), Serdes.String()))
        .count(Materialized.as("totals")).toStream().to("totals", counts);
    KGroupedStream<String, String> byKey = words.groupByKey(Grouped.with(Serdes.String(), Serdes.String()));
    byKey.windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(60), Duration.ZERO))
        .count(Materialized.as("minutes")).toStream((window, count) -> window.key()).to("minutes", counts);
    byKey.windowedBy(SessionWindows.ofInactivityGapAndGrace(Duration.ofSeconds(30), Duration.ZERO))
        .count(Materialized.as("sessions")).toStream((window, count) -> window.key()).to("sessions", counts);
    builder.table("left", text, Materialized.as("left-rows"))
        .join(builder.table("right", text, Materialized.as("right-rows")), (left, right) -> left + right)
        .toStream().to("joined", Produced.with(Serdes.String(), Serdes.String()));
    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    streams.start();
    while (System.in.read() >= 0) {}
    streams.close(Duration.ofSeconds(20));
  }
}
