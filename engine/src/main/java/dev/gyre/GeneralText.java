package dev.gyre;

import dev.gyre.config.BadValue;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.eval.Perplexity;
import dev.gyre.model.Effects;
import dev.gyre.tensor.Cores;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A text that has nothing to do with the task, to see what training forgets. It is read in windows
 * that do not overlap, each from its own beginning, and scored in pieces, so that a few odd words
 * cannot pass for a rule.
 */
final class GeneralText {
    /** Tokens of a piece. */
    private static final int PIECE = 128;

    /** Tokens of a window at most. */
    private static final int WINDOW = 512;

    private final List<int[]> windows = new ArrayList<>();

    GeneralText(Base base, String text) {
        int[] ids = base.tokenizer().encode(text, true);
        int window = Math.min(WINDOW, base.model().contextTokens());
        for (int at = 0; at + 1 < ids.length; at += window)
            windows.add(Arrays.copyOfRange(ids, at, Math.min(ids.length, at + window)));
        windows.removeIf(w -> w.length < 2);
        if (tokens().length < 2)
            throw new UserError(
                    "--general is too short to tell anything: it has %d tokens; wanted more than %d"
                            .formatted(ids.length, PIECE));
    }

    /**
     * A text file, or the text that ships with Gyre: passages of many kinds, written for it.
     *
     * @throws UserError when the file cannot be read or is not UTF-8
     */
    static String read(Optional<Path> file) {
        try {
            if (file.isPresent()) return Files.readString(file.get());
        } catch (java.nio.charset.CharacterCodingException e) {
            throw new UserError(file.get() + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw BadValue.saying("--general", file.get() + ": " + Reasons.of(e));
        }
        try (InputStream in = GeneralText.class.getResourceAsStream("general.txt")) {
            if (in == null) throw new IllegalStateException("general.txt is not in the jar");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Scored tokens of each piece; a window's first token has none before it to be scored by. */
    long[] tokens() {
        return windows.stream().flatMapToLong(w -> Arrays.stream(pieces(w))).toArray();
    }

    private static long[] pieces(int[] window) {
        long[] out = new long[Math.ceilDiv(window.length - 1, PIECE)];
        for (int i = 1; i < window.length; i++) out[(i - 1) / PIECE]++;
        return out;
    }

    /** −Σ log p of each piece, in nats. */
    double[] nll(Base base, List<Effects> adapters) {
        var scores = new ArrayList<double[]>();
        int cores = Cores.count();
        for (int from = 0; from < windows.size(); from += cores) {
            int first = from;
            scores.addAll(
                    Cores.each(
                            Math.min(cores, windows.size() - from),
                            i -> scored(base, adapters, windows.get(first + i))));
        }
        return scores.stream().flatMapToDouble(Arrays::stream).toArray();
    }

    private static double[] scored(Base base, List<Effects> adapters, int[] window) {
        double[] logprobs =
                Perplexity.of(
                                base.model(),
                                adapters,
                                window,
                                window.length,
                                Math.max(1, window.length - 1))
                        .logprobs();
        double[] out = new double[pieces(window).length];
        for (int i = 1; i < window.length; i++) out[(i - 1) / PIECE] -= logprobs[i];
        return out;
    }
}
