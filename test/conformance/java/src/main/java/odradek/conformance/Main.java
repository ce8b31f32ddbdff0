package odradek.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Apache Kafka's own client against a broker: each check by itself, under a time limit. One line a check:
 * STATE, seconds, name and reason, with tabs between.
 *
 * <p>java -cp … odradek.conformance.Main HOST:PORT [part of a name]
 */
public final class Main {
  private static final int LIMIT_SECONDS = 60;

  public static void main(String[] args) {
    var cluster = new Cluster(args[0]);
    var wanted = args.length > 1 ? args[1] : "";
    List<Check> checks = new ArrayList<>();
    checks.addAll(AdminChecks.all());
    checks.addAll(ProducerChecks.all());
    checks.addAll(TransactionChecks.all());
    checks.addAll(ConsumerChecks.all("classic"));
    checks.addAll(ConsumerChecks.all("consumer"));
    checks.addAll(GroupChecks.all());
    checks.addAll(ShareChecks.all());
    for (var check : checks) if (check.name().contains(wanted)) report(check, cluster);
    System.exit(0);
  }

  /** In a thread of its own: a client that waits for ever is left behind. */
  private static void report(Check check, Cluster cluster) {
    var began = System.nanoTime();
    var state = "pass";
    var reason = "";
    var thread = Executors.newSingleThreadExecutor();
    try {
      thread.submit(() -> {
        check.body().run(cluster);
        return null;
      }).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException late) {
      state = "fail";
      reason = "not done after " + LIMIT_SECONDS + " s";
    } catch (ExecutionException failed) {
      state = "fail";
      reason = why(failed.getCause());
    } catch (InterruptedException never) {
      throw new IllegalStateException(never);
    } finally {
      thread.shutdownNow();
    }
    var seconds = (System.nanoTime() - began) / 1e9;
    System.out.println(String.join("\t", state, String.format(Locale.ROOT, "%.1f", seconds), check.name(), reason));
  }

  private static String why(Throwable error) {
    while (error instanceof ExecutionException && error.getCause() != null) error = error.getCause();
    var text = error instanceof AssertionError ? error.getMessage() : error.getClass().getSimpleName() + ": " + error.getMessage();
    return String.valueOf(text).replaceAll("\\s+", " ");
  }
}
