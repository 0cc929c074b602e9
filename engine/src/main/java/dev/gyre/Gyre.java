package dev.gyre;

import dev.gyre.compare.CompareEvent;
import dev.gyre.compare.Comparison;
import dev.gyre.compare.Plan;
import dev.gyre.model.Activations;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.train.MethodSpec;
import dev.gyre.train.Recipe;
import dev.gyre.train.TrainEvent;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/** What the project does, for Java programs and for the command line alike. */
public interface Gyre {
    /** How the names of threads begin that compute a step's share. */
    String COMPUTING_THREADS = "gyre-core-";

    /** Gyre in this process; libtorch is loaded with the first model. */
    static Gyre start(Machine machine, Notices notices) {
        return new LocalGyre(machine, notices);
    }

    /** The same, reading adapters' files in another way. */
    Gyre reading(AdapterFiles how);

    /**
     * Trains an adapter and writes it to the recipe's {@code out}.
     *
     * @param overwrite whether {@code out} may hold something already
     * @return the last event
     * @throws dev.gyre.config.UserError for what the user can mend, before anything is written
     * @throws dev.gyre.train.TrainFailed when the run cannot go on
     */
    TrainEvent.Done train(Recipe recipe, boolean overwrite, Consumer<TrainEvent> events);

    /**
     * Trains every method of a plan at its rates and seeds, and measures each run; what an earlier
     * call finished in the plan's {@code out} is not done again.
     *
     * @throws dev.gyre.config.UserError for what the user can mend
     */
    Comparison compare(Plan plan, Consumer<CompareEvent> events);

    /** Loads a base with adapters, active one after another. */
    Loaded open(Source source);

    /**
     * Adds an adapter to its base's weights and writes a Hugging Face folder.
     *
     * @param source the base and at least one adapter
     */
    Merged merge(Source source, Path out, boolean overwrite);

    /**
     * Writes a model, with any adapters of the source merged into it, in another encoding: nf4 and
     * int8 as a Hugging Face folder in bitsandbytes' layout, the others as a GGUF file.
     *
     * @param done takes each weight when it is encoded
     */
    Written encode(Source source, Encoding how, Consumer<EncodedWeight> done);

    /**
     * Writes adapters that only add low-rank updates to weights as one GGUF adapter, which
     * llama.cpp loads beside its base.
     *
     * @param source the base and at least one adapter
     * @param to {@code f32} or {@code f16}
     * @throws dev.gyre.config.UserError when an adapter does more than that
     */
    Converted convert(Source source, String to, Path out, boolean overwrite);

    /**
     * A training step under a stop watch, on rows of random tokens.
     *
     * @param source a base without adapters
     */
    Trial trial(Source source, MethodSpec method, Activations activations);

    /**
     * How many numbers methods learn on a base, at all its linear layers.
     *
     * @return by the method's name; in words why not, where its settings do not fit the base
     */
    Map<String, Learns> learns(String base, List<MethodSpec> methods);

    /** How many numbers learn, or why none can. */
    record Learns(OptionalLong numbers, String whyNot) {}

    /**
     * The first of these models that can be had: each name in the cache, then from where it comes.
     */
    Found firstOf(List<String> names);

    /**
     * What the engine runs on.
     *
     * @param device {@code cpu} or {@code cuda}
     * @param threads threads of one operation; empty for one per processor
     * @param offline whether nothing may be fetched
     */
    record Machine(String device, OptionalInt threads, boolean offline) {
        public static Machine auto() {
            return new Machine("cpu", OptionalInt.empty(), false);
        }
    }

    /**
     * How adapters' files are read.
     *
     * @param allowUnknownKeys whether a key that is not known, and may change what an adapter
     *     computes, is a warning in the place of an error
     * @param legacySeries whether OFT files that name no version of PEFT mean the series of 0.16
     *     and 0.17
     */
    record AdapterFiles(boolean allowUnknownKeys, boolean legacySeries) {
        /** As PEFT 0.21 reads them, and nothing is passed over. */
        public static AdapterFiles strict() {
            return new AdapterFiles(false, false);
        }
    }

    /** Hears what a person may want to know while something takes long. */
    interface Notices {
        /** Hears and says nothing. */
        Notices SILENT =
                new Notices() {
                    @Override
                    public void say(String sentence) {}

                    @Override
                    public void fetched(String what, long done, long total) {}
                };

        /** A sentence. */
        void say(String sentence);

        /** How far a work of seconds has come; the total is the largest number if not known. */
        default void worked(String what, long done, long total) {}

        /**
         * Bytes of a file have arrived.
         *
         * @param total 0 when nobody knows
         */
        void fetched(String what, long done, long total);
    }

    /**
     * What to load.
     *
     * @param base a folder, a .gguf file, {@code org/name[@revision]} or {@code pip:PACKAGE}
     * @param adapters folders, in the order in which they act
     * @param template {@code auto}, {@code none} or a jinja file
     * @param baseEncoding how the base's weights are kept: a name of {@link BaseEncoding}'s
     *     registry
     */
    record Source(String base, List<Path> adapters, String template, String baseEncoding) {
        /** A base with adapters and its own chat template. */
        public static Source of(String base, Path... adapters) {
            return new Source(base, List.of(adapters), "auto", BaseEncoding.STORED.name());
        }
    }

    /**
     * A model on this machine.
     *
     * @param name the name that led to it
     * @param how in words: from the cache, downloaded from …
     */
    record Found(String name, Path path, String how) {}

    /** The names of the encodings that {@link #encode} writes, for help. */
    String WRITTEN = "nf4, int8, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, f16, f32";

    /**
     * How a model is to be written.
     *
     * @param to one of {@link #WRITTEN}
     * @param maxDrift more than this and nothing is kept, see {@link Written#drift}
     */
    record Encoding(String to, Path out, boolean overwrite, double maxDrift) {}

    /**
     * A weight in its new encoding.
     *
     * @param columns numbers of a row
     * @param wanted the encoding that it should have had; {@code encoding} differs where that one's
     *     blocks do not divide a row
     * @param error ‖W′ − W‖ / ‖W‖ in the Frobenius norm
     */
    record EncodedWeight(String name, long columns, String wanted, String encoding, double error) {}

    /**
     * A model in its new encoding.
     *
     * @param drift largest |Δ log-probability| between it and what it was made from, over {@code
     *     tokens} probe tokens
     */
    record Written(Path out, List<EncodedWeight> weights, long bytes, double drift, int tokens) {}

    /**
     * A merge that is done.
     *
     * @param drift largest |Δ log-probability| between merged and unmerged, over {@code tokens}
     *     probe tokens
     */
    record Merged(Path out, int weights, double drift, int tokens) {}

    /**
     * Adapters in llama.cpp's form.
     *
     * @param rank the largest of its weights
     * @param drift largest |Δ log-probability| between the file and the adapters, over {@code
     *     tokens} probe tokens
     */
    record Converted(Path out, int weights, long rank, double drift, int tokens) {}

    /**
     * How well a model foretells documents.
     *
     * @param tokens scored tokens of all documents
     * @param nll −Σ log p over the scored tokens, in nats
     */
    record Perplexity(List<Document> documents, long tokens, double nll) {
        /**
         * A document's tokens.
         *
         * @param logprobs log p of each token given those before it; NaN for the first, which is
         *     not scored
         */
        @SuppressWarnings("ArrayRecordComponent")
        public record Document(int[] ids, double[] logprobs) {}

        /** e to the mean nll. */
        public double perplexity() {
            return Math.exp(nll / tokens);
        }
    }

    /** A base with its adapters, ready to answer. */
    interface Loaded extends AutoCloseable {
        /** Answers prompts together; pieces of one answer arrive in order, answers in any. */
        void generate(List<Prompt> prompts, Decoding how, Consumer<Piece> pieces);

        /** The likeliest answer to one user turn, at most 256 tokens of it. */
        default String answer(String question) {
            var said = new StringBuilder();
            generate(
                    List.of(Prompt.Chat.ask(question)),
                    Decoding.greedy(256),
                    piece -> {
                        if (piece instanceof Piece.Done done) said.append(done.text());
                    });
            return said.toString();
        }

        /**
         * Log-probabilities of documents.
         *
         * @param stride tokens between the starts of two windows, for documents longer than the
         *     context
         */
        Perplexity perplexity(List<String> documents, int stride);

        /** Longest sequence in tokens. */
        int contextTokens();

        @Override
        void close();
    }

    /** Training steps on given tokens, each row learned whole. */
    interface Trial extends AutoCloseable {
        /** One step: forward, backward, update; the loss before the update. */
        double step(int[][] rows);

        /**
         * Seconds that the products of a step with the frozen weights take in f32, forward and
         * backward, with nothing else between them: what no step in f32 can fall below.
         *
         * @param tokens of the step
         */
        double productsFloor(long tokens);

        int vocabulary();

        /** Numbers that learn. */
        long learns();

        @Override
        void close();
    }
}
