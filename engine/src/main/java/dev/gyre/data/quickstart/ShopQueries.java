package dev.gyre.data.quickstart;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.data.quickstart.Phrases.Thing;
import dev.gyre.data.quickstart.Phrases.Ways;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * A seeded generator of English requests about the orders, tickets and mail of a small shop, and
 * the query that each means. The language:
 *
 * <pre>{@code
 * query = find thing where | sort newest|oldest | limit N
 *       | count thing where
 * thing = orders | tickets | mails
 * where = | status WORD | customer|owner|from NAME | last N days
 * }</pre>
 *
 * <p>The parts always stand in this order, whatever the order in the request, so each request has
 * exactly one right answer; a bar ends a value, so none needs quotes. Held-out requests use,
 * besides everything that training uses, names and ways of asking that training never shows.
 */
public final class ShopQueries {
    /** One request and its query. */
    public record Row(String prompt, String completion) {}

    /** How many training rows are shipped. */
    public static final int TRAIN = 2400;

    /** How many held-out rows are shipped. */
    public static final int HELD_OUT = 200;

    /** Name of the file of training rows, in a folder and beside this class. */
    public static final String TRAIN_FILE = "train.jsonl";

    /** Name of the file of held-out rows. */
    public static final String HELD_OUT_FILE = "held-out.jsonl";

    private static final long SEED = 20_261_125;

    private final Random random;
    private final boolean heldOut;

    private ShopQueries(long seed, boolean heldOut) {
        this.random = new Random(seed);
        this.heldOut = heldOut;
    }

    /** The held-out rows, all different; the same list at every call. */
    public static List<Row> heldOut() {
        return new ShopQueries(SEED + 1, true).different(HELD_OUT, Set.of());
    }

    /**
     * The training rows, all different, none with a held-out prompt; the same list at every call.
     */
    public static List<Row> train() {
        var taken = new HashSet<String>();
        heldOut().forEach(row -> taken.add(row.prompt()));
        return new ShopQueries(SEED, false).different(TRAIN, taken);
    }

    /** The rows as a file of format {@code prompt-completion}: one JSON object a line. */
    public static String jsonl(List<Row> rows) {
        var lines = new StringBuilder();
        for (Row row : rows) {
            var object = new LinkedHashMap<String, String>();
            object.put("prompt", row.prompt());
            object.put("completion", row.completion());
            lines.append(Json.write(object)).append('\n');
        }
        return lines.toString();
    }

    /**
     * Writes {@value #TRAIN_FILE} and {@value #HELD_OUT_FILE} into a folder, which it makes if need
     * be; files of these names are overwritten.
     *
     * @throws UserError when the folder cannot be written
     */
    public static void write(Path folder) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(TRAIN_FILE), jsonl(train()));
            Files.writeString(folder.resolve(HELD_OUT_FILE), jsonl(heldOut()));
        } catch (IOException e) {
            throw new UserError(
                    "cannot write the quickstart's data into " + folder + ": " + Reasons.of(e), e);
        }
    }

    private List<Row> different(int count, Set<String> taken) {
        var rows = new LinkedHashMap<String, Row>();
        while (rows.size() < count) {
            Row row = next();
            if (!taken.contains(row.prompt())) rows.putIfAbsent(row.prompt(), row);
        }
        return List.copyOf(rows.values());
    }

    private Row next() {
        boolean find = chance(75);
        Thing thing = Phrases.THINGS.get(random.nextInt(Phrases.THINGS.size()));
        String status = say(thing.statuses());
        String name = say(Phrases.NAMES);
        String days = say(Phrases.DAYS);
        String person = say(thing.people()).replace("{}", name);
        String age = say(Phrases.AGE).replace("{}", days);
        String what =
                status
                        + " "
                        + say(thing.nouns())
                        + " "
                        + (chance(60) ? person + " " + age : age + " " + person);
        String where =
                " %s | status %s | %s %s | last %s days"
                        .formatted(thing.name(), status, thing.personField(), name, days);

        if (!find) return row(Phrases.COUNT, what, "count" + where);
        boolean newest = chance(60);
        String limit = say(Phrases.LIMITS);
        String sort = say(newest ? Phrases.NEWEST : Phrases.OLDEST);
        String quantity =
                chance(60)
                        ? "the " + limit + " " + sort
                        : chance(50) ? limit + " of the " + sort : "the " + sort + " " + limit;
        String order = " | sort " + (newest ? "newest" : "oldest") + " | limit " + limit;
        return row(Phrases.FIND, quantity + " " + what, "find" + where + order);
    }

    private Row row(Ways sentences, String what, String query) {
        String prompt = say(sentences).replace("{}", what);
        if (chance(20)) prompt = Character.toLowerCase(prompt.charAt(0)) + prompt.substring(1);
        return new Row(prompt, query);
    }

    /** One of the ways; in a held-out request, every third time one that training never shows. */
    private String say(Ways ways) {
        List<String> from =
                heldOut && !ways.heldOut().isEmpty() && chance(33) ? ways.heldOut() : ways.known();
        return from.get(random.nextInt(from.size()));
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }
}
