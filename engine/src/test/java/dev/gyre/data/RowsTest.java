package dev.gyre.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.gyre.config.UserError;
import dev.gyre.text.Message;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Files of rows: good ones, and each way of being bad with its file and line. */
class RowsTest {
    private static final Allowances ALL = new Allowances(true, true, true, true);
    private static final String ROW = "{\"prompt\": \"p\", \"completion\": \"c\"}\n";
    private static final String CHAT =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\","
                    + " \"content\": \"ho\"}]}\n";

    @TempDir Path folder;

    private Path file(byte[] bytes) {
        try {
            return Files.write(folder.resolve("rows.jsonl"), bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Path file(String text) {
        return file(text.getBytes(StandardCharsets.UTF_8));
    }

    private List<Example> strict(String text) {
        return Rows.read(file(text), "auto", Allowances.NONE);
    }

    @Test
    void theFirstRowSaysTheFormat() {
        assertThat(strict(ROW + ROW))
                .containsExactly(
                        new Example.Completion("p", "c", folder.resolve("rows.jsonl") + ":1"),
                        new Example.Completion("p", "c", folder.resolve("rows.jsonl") + ":2"));
        assertThat(strict(CHAT))
                .containsExactly(
                        new Example.Chat(
                                List.of(new Message("user", "hi"), new Message("assistant", "ho")),
                                folder.resolve("rows.jsonl") + ":1"));
    }

    @ParameterizedTest
    @CsvSource({"messages, prompt-completion", "prompt-completion, messages"})
    void aGivenFormatIsTheFormat(String right, String wrong) {
        Path file = file(right.equals("messages") ? CHAT : ROW);
        assertThat(Rows.read(file, right, Allowances.NONE)).hasSize(1);
        assertThatThrownBy(() -> Rows.read(file, wrong, Allowances.NONE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:1: a row of the format " + wrong);
    }

    @Test
    void anUnknownFormatNamesTheNearest() {
        assertThatThrownBy(() -> Rows.read(file(ROW), "mesages", Allowances.NONE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("did you mean \"messages\"?");
    }

    @Test
    void marksBlankLinesAndEitherEndOfLineAreFine() {
        List<Example> rows =
                strict("\uFEFF" + ROW + "\n  \t \r\n" + ROW.strip() + "\r\n\r\n" + ROW.strip());
        assertThat(rows)
                .extracting(e -> e.where().replaceAll(".*:", ""))
                .containsExactly("1", "4", "6");
    }

    @Test
    void textComesThroughAsItIs() {
        String text = "\u2028 Stra\u00dfe \uD83D\uDE00 \\\" \t end";
        String row =
                "{\"prompt\": \"\u2028 Stra\u00dfe \uD83D\uDE00 \\\\\\\" \\t end\", \"completion\":"
                        + " \"\\ud83d\\ude00\\u0000\\n\"}";
        assertThat(strict(row))
                .extracting(
                        e -> ((Example.Completion) e).prompt(),
                        e -> ((Example.Completion) e).completion())
                .containsExactly(tuple(text, "\uD83D\uDE00\u0000\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\": \"p\", \"completion\": \"c\"", // cut off
                "{\"prompt\": \"p",
                "{",
                "nonsense",
                "[{\"prompt\": \"p\", \"completion\": \"c\"}]",
                "\"text\"",
                "null",
                "17",
                "{\"prompt\": \"p\", \"completion\": \"c\"} {}",
                "{\"prompt\": \"p\", \"prompt\": \"p\", \"completion\": \"c\"}",
                "{'prompt': 'p', 'completion': 'c'}",
                "\u0000\u0000\u0000",
            })
    void aLineThatIsNoObjectIsAnErrorUnlessAllowed(String line) {
        assertThatThrownBy(() -> strict(ROW + line + "\n" + ROW))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:2: ");
        var tally = new Tally();
        var rows =
                Rows.read(
                        file(ROW + line + "\n" + ROW),
                        "auto",
                        new Allowances(false, false, false, true),
                        tally);
        assertThat(rows).hasSize(2);
        assertThat(tally.clauses()).containsExactly("1 line that is not a JSON object left out");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {"prompt": "p"}|is of no known format
                    {"promt": "p", "completion": "c"}|did you mean "prompt"?
                    {}|is of no known format
                    {"prompt": 3, "completion": "c"}|"prompt" must be text, not 3
                    {"prompt": "p", "completion": null}|"completion" is missing
                    {"prompt": "p", "completion": ["c"]}|"completion" must be text, not a list
                    {"messages": []}|at least one message
                    {"messages": {}}|"messages" must be a list
                    {"messages": "hi"}|"messages" must be a list
                    {"messages": [3]}|"messages[0]" must be a map
                    {"messages": [{"role": "user"}]}|"content" is missing under "messages[0]"
                    {"messages": [{"content": "hi"}]}|"role" is missing under "messages[0]"
                    {"messages": [{"role": "robot", "content": "hi"}]}|one of system, user, assistant, tool, not "robot"
                    {"messages": [{"role": 1, "content": "hi"}]}|"messages[0].role" must be text
                    {"messages": [{"role": "user", "content": ["hi"]}]}|"messages[0].content" must be text
                    """)
    void aRowThatIsWrongSaysWhereAndWhy(String row, String why) {
        assertThatThrownBy(() -> strict("\n\n" + row))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:3: ")
                .hasMessageContaining(why);
        // An allowance for one thing allows nothing else.
        assertThatThrownBy(() -> Rows.read(file(row), "auto", ALL)).isInstanceOf(UserError.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\": \"p\", \"completion\": \"c\", \"id\": 1}",
                "{\"prompt\": \"p\", \"completion\": \"c\", \"messages\": null}",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"c\", \"name\": \"x\"}]}",
            })
    void anUnknownKeyIsAnErrorUnlessAllowed(String row) {
        assertThatThrownBy(() -> strict(row))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:1: ")
                .hasMessageContaining("has no key")
                .hasMessageContaining("--allow unknown-key");
        var tally = new Tally();
        assertThat(Rows.read(file(row), "auto", new Allowances(false, false, true, false), tally))
                .hasSize(1);
        assertThat(tally.count(Tally.Kind.UNKNOWN_KEY)).isEqualTo(1);
    }

    @Test
    void aSecondFormatInAFileIsAnError() {
        assertThatThrownBy(() -> strict(ROW + CHAT))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:2: a row of the format prompt-completion has no");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n\n  \n", "\uFEFF", "\uFEFF\r\n"})
    void anEmptyFileIsAnError(String text) {
        assertThatThrownBy(() -> strict(text))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl: there is no example in it");
        assertThatThrownBy(() -> Rows.read(file(text), "auto", ALL)).isInstanceOf(UserError.class);
    }

    @Test
    void onlyBadLinesAreNoExamples() {
        assertThatThrownBy(() -> Rows.read(file("a\nb\n"), "auto", ALL))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("lines that are not JSON objects: 2");
    }

    @Test
    void aMissingFileAndAFolderAreErrors() {
        assertThatThrownBy(() -> Rows.read(folder.resolve("none"), "auto", ALL))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> Rows.read(folder, "auto", ALL))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot read " + folder);
    }

    @Test
    void badBytesAreFoundInTheirLine() {
        byte[] good = (ROW + ROW).getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[good.length + 3];
        System.arraycopy(good, 0, bytes, 0, good.length);
        bytes[good.length] = '"';
        bytes[good.length + 1] = (byte) 0xC3; // the first of two
        bytes[good.length + 2] = '"';
        assertThatThrownBy(() -> Rows.read(file(bytes), "auto", Allowances.NONE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:3: not UTF-8");
        assertThat(Rows.read(file(bytes), "auto", ALL)).hasSize(2);
        assertThatThrownBy(
                        () ->
                                Rows.read(
                                        file(("\uFEFF" + ROW).getBytes(StandardCharsets.UTF_16LE)),
                                        "auto",
                                        Allowances.NONE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:1: not UTF-8");
    }

    @Test
    void deepNestingIsAnErrorAndNoOverflow() {
        String deep = "{\"messages\": " + "[".repeat(200_000) + "]".repeat(200_000) + "}";
        assertThatThrownBy(() -> strict(deep))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("rows.jsonl:1: ");
    }

    @Test
    void aFileWithoutLinesIsStopped() throws IOException {
        Path zeros = folder.resolve("zeros");
        try (var out =
                Files.newByteChannel(
                        zeros, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            out.position(1L << 33).write(ByteBuffer.wrap(new byte[] {0})); // sparse
        }
        assertThatThrownBy(() -> Rows.read(zeros, "auto", ALL))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("zeros:1: the line is longer than 64 MiB");
    }

    @Test
    void manyAndLongRowsAreRead() {
        String longRow = "{\"prompt\": \"" + "x".repeat(3_000_000) + "\", \"completion\": \"c\"}\n";
        List<Example> rows = strict(longRow + ROW.repeat(50_000));
        assertThat(rows).hasSize(50_001);
        assertThat(rows.getLast().where()).endsWith(":50001");
        assertThat(((Example.Completion) rows.getFirst()).prompt()).hasSize(3_000_000);
    }

    /** Whatever stands in a file, the outcome is rows or an error with the file's name. */
    @Test
    void bentFilesNeverDoAnythingElse() {
        var random = new Random(5);
        byte[] good = (ROW + CHAT.repeat(3) + ROW).getBytes(StandardCharsets.UTF_8);
        for (int round = 0; round < 2000; round++) {
            byte[] bent = Arrays.copyOf(good, 1 + random.nextInt(good.length));
            for (int i = random.nextInt(4); i > 0; i--)
                bent[random.nextInt(bent.length)] = (byte) random.nextInt(256);
            var allowed = random.nextBoolean() ? ALL : Allowances.NONE;
            try {
                assertThat(Rows.read(file(bent), "auto", allowed)).isNotEmpty();
            } catch (UserError e) {
                assertThat(e).hasMessageContaining("rows.jsonl");
            }
        }
    }
}
