package dev.gyre.data.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;
import dev.gyre.data.quickstart.Phrases.Ways;
import dev.gyre.data.quickstart.ShopQueries.Row;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

class ShopQueriesTest {
    /** The language as a grammar: what the class comment promises. */
    private static final Pattern QUERY =
            Pattern.compile(
                    "(find|count) (?:orders \\| status (?:open|paid|shipped|returned) \\| customer"
                        + " (?<a>[A-Z][A-Za-z ]+)|tickets \\| status (?:open|closed|waiting|urgent)"
                        + " \\| owner (?<b>[A-Z][A-Za-z ]+)|mails \\| status"
                        + " (?:unread|flagged|archived|read) \\| from (?<c>[A-Z][A-Za-z ]+)) \\|"
                        + " last (?<days>\\d+) days(?<tail> \\| sort (?:newest|oldest) \\| limit"
                        + " (?<limit>\\d+))?");

    @ParameterizedTest
    @ValueSource(strings = {ShopQueries.TRAIN_FILE, ShopQueries.HELD_OUT_FILE})
    void theShippedFilesAreWhatTheGeneratorMakes(String file) throws IOException {
        byte[] shipped = shipped(file);
        var rows =
                file.equals(ShopQueries.TRAIN_FILE) ? ShopQueries.train() : ShopQueries.heldOut();
        assertThat(new String(shipped, StandardCharsets.UTF_8)).isEqualTo(ShopQueries.jsonl(rows));
        assertThat(shipped.length).isLessThan(650_000);
    }

    private static byte[] shipped(String file) throws IOException {
        try (var in = ShopQueries.class.getResourceAsStream(file)) {
            return Objects.requireNonNull(in, file).readAllBytes();
        }
    }

    @Test
    void rowsAreManyAndDifferentAndNoHeldOutPromptIsTrained() {
        var train = prompts(ShopQueries.train());
        var heldOut = prompts(ShopQueries.heldOut());
        assertThat(train)
                .hasSize(ShopQueries.TRAIN)
                .hasSizeGreaterThanOrEqualTo(2000)
                .doesNotHaveDuplicates();
        assertThat(heldOut)
                .hasSize(ShopQueries.HELD_OUT)
                .hasSizeGreaterThanOrEqualTo(200)
                .doesNotHaveDuplicates();
        assertThat(train).doesNotContainAnyElementsOf(heldOut);
    }

    private static List<String> prompts(List<Row> rows) {
        return rows.stream().map(Row::prompt).toList();
    }

    @Test
    void everyCompletionIsAQueryWhoseValuesStandInThePrompt() {
        for (Row row : both()) {
            var query = QUERY.matcher(row.completion());
            assertThat(query.matches()).as(row.completion()).isTrue();
            String name =
                    Stream.of("a", "b", "c")
                            .map(query::group)
                            .filter(Objects::nonNull)
                            .findFirst()
                            .orElseThrow();
            assertThat(row.prompt()).contains(name, query.group("days") + " days");
            boolean find = query.group(1).equals("find");
            assertThat(query.group("tail") != null).as(row.completion()).isEqualTo(find);
            if (find)
                assertThat(row.prompt()).containsPattern("\\b" + query.group("limit") + "\\b");
        }
    }

    private static List<Row> both() {
        var rows = new ArrayList<>(ShopQueries.train());
        rows.addAll(ShopQueries.heldOut());
        return rows;
    }

    /** The same words never mean two queries. */
    @Test
    void aRequestHasOneMeaning() {
        var meanings = new java.util.HashMap<String, String>();
        for (Row row : both()) {
            String plain = row.prompt().toLowerCase(Locale.ROOT);
            assertThat(meanings.putIfAbsent(plain, row.completion())).isIn(null, row.completion());
        }
    }

    @Test
    void heldOutNamesAndPhrasesNeverOccurInTraining() {
        String trained = String.join("\n", prompts(ShopQueries.train()));
        int unseen = 0;
        for (Row row : ShopQueries.heldOut()) {
            boolean fresh =
                    Phrases.NAMES.heldOut().stream().anyMatch(row.prompt()::contains)
                            || onlyHeldOut().anyMatch(part -> row.prompt().contains(part));
            if (fresh) unseen++;
        }
        assertThat(unseen)
                .as("held-out rows with a name or a way of asking that training lacks")
                .isGreaterThan(150);
        Phrases.NAMES
                .heldOut()
                .forEach(name -> assertThat(trained).doesNotContainPattern("\\b" + name + "\\b"));
        onlyHeldOut().forEach(part -> assertThat(trained).doesNotContain(part));
    }

    /** The fixed words of the ways that only held-out rows use. */
    private static Stream<String> onlyHeldOut() {
        var ways =
                new ArrayList<Ways>(
                        List.of(Phrases.FIND, Phrases.AGE, Phrases.NEWEST, Phrases.OLDEST));
        Phrases.THINGS.forEach(thing -> ways.add(thing.nouns()));
        return ways.stream()
                .flatMap(w -> w.heldOut().stream())
                .map(w -> w.contains("{}") ? w.substring(0, w.indexOf("{}")) : w)
                .filter(w -> !w.isBlank());
    }

    @Test
    void writesFilesThatReadBack(@TempDir Path folder) throws IOException {
        ShopQueries.write(folder.resolve("new/data"));
        Path train = folder.resolve("new/data").resolve(ShopQueries.TRAIN_FILE);
        List<String> lines = Files.readAllLines(train);
        Row first = ShopQueries.train().getFirst();
        assertThat(Json.read(lines.getFirst(), "train").need("prompt").text())
                .isEqualTo(first.prompt());
        assertThat(Json.read(lines.getFirst(), "train").need("completion").text())
                .isEqualTo(first.completion());
        assertThat(lines).hasSize(ShopQueries.TRAIN);
        assertThat(folder.resolve("new/data").resolve(ShopQueries.HELD_OUT_FILE)).isNotEmptyFile();
    }

    @Test
    void aFolderThatCannotBeMadeIsTheUsersToMend(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("taken"), "");
        assertThatThrownBy(() -> ShopQueries.write(file.resolve("data")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("taken");
    }
}
