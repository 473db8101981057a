import java.util.Objects;

/** The checks of one program, a line each: "ok   what" or "FAIL what: got, want". */
final class Check {
    private static int passed, failed;

    interface Call {
        void run() throws Exception;
    }

    static void equal(String what, Object got, Object want) {
        if (Objects.equals(got, want)) {
            passed++;
            System.out.println("ok   " + what);
        } else {
            failed++;
            System.out.println("FAIL " + what + ": got " + got + ", want " + want);
        }
    }

    static void that(String what, boolean holds) {
        equal(what, holds, true);
    }

    /** Ends the program: with status 0 if every check passed, and with the number of those that did. */
    static void end(Call walk) {
        try {
            walk.run();
        } catch (Exception | LinkageError e) {
            failed++;
            System.out.println("FAIL the walk ended early: " + e);
            e.printStackTrace(System.out);
        }
        System.out.println(passed + " checks passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }

    private Check() {}
}
