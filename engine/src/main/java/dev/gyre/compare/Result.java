package dev.gyre.compare;

import dev.gyre.config.Tree;
import dev.gyre.train.MethodSpec;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** How a run ended. */
public sealed interface Result {
    Run run();

    /** It went to its end. */
    record Finished(Run run, Measured measured) implements Result {}

    /** Its loss or gradient was no number any more. */
    record Diverged(Run run, String why) implements Result {}

    /** The result as a line of JSON has it. */
    public static Map<String, @Nullable Object> plain(Result result) {
        var out = new LinkedHashMap<String, @Nullable Object>();
        out.put("method", result.run().method().plain());
        out.put("rate", result.run().rate());
        out.put("seed", result.run().seed());
        switch (result) {
            case Diverged d -> out.put("diverged", d.why());
            case Finished(var run, var m) -> {
                out.put("trainable", m.trainable());
                out.put("file_bytes", m.fileBytes());
                out.put("step_seconds", m.stepSeconds());
                out.put("base_bytes", m.baseBytes());
                out.put("peak_bytes", m.peakBytes());
                out.put("drift", m.drift().isPresent() ? m.drift().getAsDouble() : null);
                out.put("why_not_merged", m.whyNotMerged());
                out.put("seconds", m.seconds());
                out.put("losses", m.losses());
                out.putAll(plain(m.scores()));
            }
        }
        return out;
    }

    /** Scores as JSON has them. */
    public static Map<String, @Nullable Object> plain(Scores scores) {
        var out = new LinkedHashMap<String, @Nullable Object>();
        out.put("held_out_nll", scores.heldOut());
        out.put("exact", scores.exact());
        out.put("general_nll", scores.general());
        return out;
    }

    /** Reads what {@link #plain(Result)} wrote. */
    static Result read(Tree line, Lab.Bench bench) {
        var run =
                new Run(
                        MethodSpec.read(line.need("method")),
                        line.need("rate").real(),
                        line.need("seed").whole());
        var diverged = line.get("diverged");
        if (diverged.isPresent()) return new Diverged(run, diverged.get().text());
        var drift = line.get("drift");
        return new Finished(
                run,
                new Measured(
                        scores(line, bench),
                        reals(line.need("losses"), -1),
                        line.need("trainable").whole(),
                        line.need("file_bytes").whole(),
                        line.need("step_seconds").real(),
                        line.need("base_bytes").whole(),
                        line.need("peak_bytes").whole(),
                        drift.isPresent()
                                ? OptionalDouble.of(drift.get().real())
                                : OptionalDouble.empty(),
                        line.need("why_not_merged").text(),
                        line.need("seconds").real()));
    }

    /** Reads what {@link #plain(Scores)} wrote. */
    static Scores scores(Tree line, Lab.Bench bench) {
        return new Scores(
                reals(line.need("held_out_nll"), bench.heldOutTokens().length),
                reals(line.need("exact"), bench.questions()),
                reals(line.need("general_nll"), bench.generalTokens().length));
    }

    private static double[] reals(Tree list, int count) {
        List<Tree> items = list.items();
        if (count >= 0 && items.size() != count)
            throw list.saying("must hold %d numbers, not %d".formatted(count, items.size()));
        return items.stream().mapToDouble(Tree::real).toArray();
    }
}
