package odradek.conformance;

/** A sentence about what a client can do, and the code that tries it. */
record Check(String name, Body body) {
  interface Body {
    void run(Cluster cluster) throws Exception;
  }

  static void that(boolean holds, String otherwise) {
    if (!holds) throw new AssertionError(otherwise);
  }

  static void same(Object expected, Object seen, String what) {
    if (!expected.equals(seen)) throw new AssertionError(what + ": expected " + expected + ", got " + seen);
  }

  /** The error that a call ends with, or null. Wrappers of futures are taken off. */
  static Throwable errorOf(Call call) {
    try {
      call.run();
      return null;
    } catch (Throwable error) {
      while ((error instanceof java.util.concurrent.ExecutionException) && error.getCause() != null) error = error.getCause();
      return error;
    }
  }

  static void refused(Class<? extends Throwable> kind, Call call, String what) {
    var error = errorOf(call);
    that(kind.isInstance(error), what + ": expected " + kind.getSimpleName() + ", got " + error);
  }

  /** Asks again until it is so, for at most twenty seconds. */
  static void eventually(String what, Condition condition) throws Exception {
    var limit = System.nanoTime() + 20_000_000_000L;
    while (!condition.holds()) {
      that(System.nanoTime() < limit, what + " did not happen within 20 s");
      Thread.sleep(20);
    }
  }

  interface Call {
    void run() throws Exception;
  }

  interface Condition {
    boolean holds() throws Exception;
  }
}
