package dev.gyre;

import dev.gyre.config.UserError;
import dev.gyre.data.Allowances;
import dev.gyre.data.Encoded;
import dev.gyre.data.Encoder;
import dev.gyre.data.Example;
import dev.gyre.data.Rows;
import dev.gyre.data.Tally;
import dev.gyre.tensor.Torch;
import dev.gyre.train.DataSource;
import dev.gyre.train.HeldOut;
import dev.gyre.train.Recipe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A recipe's rows as its base sees them.
 *
 * @param learned in the files' order
 * @param heldOut looked at and not learned
 */
record TrainingData(List<Encoded> learned, List<Row> heldOut) {
    /** A row as it was written and as the model sees it. */
    record Row(Example example, Encoded encoded) {}

    /**
     * Reads the rows of a recipe.
     *
     * @param warn hears what was allowed and happened
     * @throws UserError with file and line, for what is not allowed
     */
    static TrainingData read(Recipe recipe, Base base, Consumer<String> warn) {
        var reader = new Reader(recipe, base);
        var learned = new ArrayList<>(reader.rows(recipe.data()));
        List<Row> heldOut = reader.heldOut(learned);
        reader.tally.clauses().forEach(warn);
        return new TrainingData(learned.stream().map(Row::encoded).toList(), heldOut);
    }

    /** Tokens of the longest row. */
    int longest() {
        return Stream.concat(learned.stream(), heldOut.stream().map(Row::encoded))
                .mapToInt(e -> e.ids().length)
                .max()
                .orElse(0);
    }

    private static final class Reader {
        private static final int MOST_CONTEXT = 2048;

        private final Recipe recipe;
        private final Base base;
        private final Tally tally = new Tally();

        Reader(Recipe recipe, Base base) {
            this.recipe = recipe;
            this.base = base;
        }

        List<Row> rows(List<DataSource> sources) {
            Allowances allowed = allowances(recipe.allow());
            Encoder encoder = encoder(allowed);
            var all = new ArrayList<Row>();
            for (DataSource source : sources) {
                List<Example> examples = Rows.read(source.path(), source.format(), allowed, tally);
                List<Optional<Encoded>> encoded = encoder.encodeAll(examples, Torch.threads());
                for (int i = 0; i < examples.size(); i++) {
                    Example example = examples.get(i);
                    encoded.get(i).ifPresent(e -> all.add(new Row(example, e)));
                }
            }
            if (all.isEmpty()) throw new UserError("no example has anything to learn");
            return all;
        }

        private static Allowances allowances(List<Recipe.Lenience> allow) {
            return new Allowances(
                    allow.contains(Recipe.Lenience.CUT_OFF),
                    allow.contains(Recipe.Lenience.NO_ANSWER),
                    allow.contains(Recipe.Lenience.UNKNOWN_KEY),
                    allow.contains(Recipe.Lenience.BAD_LINE));
        }

        private Encoder encoder(Allowances allowed) {
            int context =
                    recipe.contextTokens()
                            .orElse(Math.min(MOST_CONTEXT, base.model().contextTokens()));
            if (context > base.model().contextTokens())
                throw new UserError(
                        "context_tokens = %d is more than the model's own %d"
                                .formatted(context, base.model().contextTokens()));
            return new Encoder(
                    base.tokenizer(),
                    base.template().map(t -> t::render),
                    endOfText(),
                    context,
                    allowed,
                    tally);
        }

        private int endOfText() {
            int eos = base.dialect().eos();
            if (eos >= base.model().vocabulary())
                throw new UserError(
                        "the model's end-of-text token has the id %d, and its vocabulary is of %d; the tokenizer is of another model, or its new tokens have no rows in the embedding"
                                .formatted(eos, base.model().vocabulary()));
            if (eos >= 0) return eos;
            throw new UserError(
                    "the model names no end-of-text token (eos_token), so nothing could end an"
                            + " answer");
        }

        /** The held-out rows; a share is taken out of the learned ones. */
        List<Row> heldOut(List<Row> learned) {
            if (recipe.validation().isEmpty()) return List.of();
            return switch (recipe.validation().get()) {
                case HeldOut.File(var source) -> rows(List.of(source));
                case HeldOut.Share(double share) -> {
                    int count = (int) Math.max(1, Math.round(share * learned.size()));
                    if (count >= learned.size())
                        throw new UserError(
                                "validation = %s leaves no row to learn from; there are %d rows"
                                        .formatted(share, learned.size()));
                    // The rows that stay keep their order.
                    var order =
                            new ArrayList<>(IntStream.range(0, learned.size()).boxed().toList());
                    Collections.shuffle(order, new Random(recipe.seed()));
                    List<Integer> chosen = order.subList(0, count).stream().sorted().toList();
                    List<Row> part = chosen.stream().map(learned::get).toList();
                    chosen.reversed().forEach(i -> learned.remove((int) i));
                    yield part;
                }
            };
        }
    }
}
