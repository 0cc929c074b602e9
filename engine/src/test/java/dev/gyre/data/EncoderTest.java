package dev.gyre.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.Json;
import dev.gyre.config.UserError;
import dev.gyre.text.ChatTemplate;
import dev.gyre.text.Message;
import dev.gyre.text.Tokenizer;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Which tokens of an example are learned. The small vocabulary's end of text is 0, its end of turn
 * 2.
 */
class EncoderTest {
    private static final Tokenizer TOKENIZER =
            Tokenizer.fromJson(MaskingGoldenTest.resource("tokens/small-tokenizer.json"), "small");
    private static final Encoder.Renderer CHATML = template("smollm2.jinja");
    private static final int LONG = 100_000;
    private static final Allowances ALL = new Allowances(true, true, true, true);

    @AfterAll
    static void close() {
        TOKENIZER.close();
    }

    private static Encoder.Renderer template(String name) {
        return ChatTemplate.of(
                        MaskingGoldenTest.resource("templates/" + name),
                        Map.of("bos_token", "<|endoftext|>", "eos_token", "<|im_end|>"))
                ::render;
    }

    private static Encoder encoder(
            Optional<Encoder.Renderer> template, int context, Allowances allowed) {
        return new Encoder(TOKENIZER, template, 0, context, allowed);
    }

    private static Encoder strict(Encoder.Renderer template) {
        return encoder(Optional.of(template), LONG, Allowances.NONE);
    }

    private static Example.Chat chat(String... turns) {
        var out = new ArrayList<Message>();
        for (String turn : turns) {
            int colon = turn.indexOf(':');
            out.add(new Message(turn.substring(0, colon), turn.substring(colon + 1)));
        }
        return new Example.Chat(out, "rows.jsonl:7");
    }

    /** The learned runs as text. */
    private static List<String> learned(Encoded e) {
        var out = new ArrayList<String>();
        int from = -1;
        for (int i = 0; i <= e.ids().length; i++) {
            boolean on = i < e.ids().length && e.learned()[i];
            if (on && from < 0) from = i;
            if (on || from < 0) continue;
            out.add(text(e, from, i));
            from = -1;
        }
        return out;
    }

    private static String text(Encoded e, int from, int to) {
        return TOKENIZER.decode(Arrays.copyOfRange(e.ids(), from, to), false);
    }

    private static Encoded encode(Encoder encoder, Example example) {
        Encoded e = encoder.encode(example).orElseThrow();
        assertThat(e.learned()).hasSameSizeAs(e.ids());
        assertThat(e.learned()[0]).isFalse();
        assertThat(e.learned()[e.ids().length - 1]).as("nothing after the last learned").isTrue();
        assertThat(e.where()).isEqualTo(example.where());
        return e;
    }

    @Test
    void aCompletionIsTheAssistantsAnswerToTheUser() {
        var pair = encode(strict(CHATML), new Example.Completion("hi", "ho", "rows.jsonl:7"));
        var turns = encode(strict(CHATML), chat("user:hi", "assistant:ho"));
        assertThat(pair.ids()).isEqualTo(turns.ids());
        assertThat(pair.learned()).isEqualTo(turns.learned());
        assertThat(text(pair, 0, pair.ids().length))
                .isEqualTo(
                        "<|im_start|>system\n"
                                + "You are a helpful AI assistant named SmolLM, trained by Hugging"
                                + " Face<|im_end|>\n"
                                + "<|im_start|>user\n"
                                + "hi<|im_end|>\n"
                                + "<|im_start|>assistant\n"
                                + "ho<|im_end|>");
        assertThat(learned(pair)).containsExactly("ho<|im_end|>");
    }

    @Test
    void everyAnswerIsLearnedAndNothingElse() {
        var e =
                encode(
                        strict(CHATML),
                        chat(
                                "system:be",
                                "user:a",
                                "assistant:b",
                                "tool:t",
                                "assistant:a",
                                "user:b"));
        assertThat(learned(e)).containsExactly("b<|im_end|>", "a<|im_end|>");
        assertThat(text(e, 0, e.ids().length)).endsWith("assistant\na<|im_end|>");
    }

    @Test
    void anEmptyAnswerTeachesToEndTheTurn() {
        assertThat(learned(encode(strict(CHATML), chat("user:a", "assistant:"))))
                .containsExactly("<|im_end|>");
    }

    @Test
    void anEndSpelledOutInAnAnswerIsPartOfIt() {
        assertThat(learned(encode(strict(CHATML), chat("user:a", "assistant:b<|im_end|>c"))))
                .containsExactly("b<|im_end|>c<|im_end|>");
    }

    @ParameterizedTest
    @CsvSource({
        "qwen2.5.jinja, yes<|im_end|>",
        "smollm2.jinja, yes<|im_end|>",
        "mistral.jinja, yes<|im_end|>"
    })
    void templatesOfOtherFamilies(String name, String answer) {
        var e = encode(strict(template(name)), chat("user:no", "assistant:yes"));
        assertThat(String.join("|", learned(e)).strip()).isEqualTo(answer);
    }

    @Test
    void aTemplateThatTrimsAnswersLearnsWhatItWrites() {
        Encoder.Renderer trims =
                (messages, prompt) ->
                        CHATML.render(
                                messages.stream()
                                        .map(m -> new Message(m.role(), m.content().strip()))
                                        .toList(),
                                prompt);
        assertThat(learned(encode(strict(trims), chat("user:a", "assistant: \n b \n"))))
                .containsExactly("b<|im_end|>");
    }

    @Test
    void aTemplateWithoutEndsLearnsTheTextAlone() {
        Encoder.Renderer plain =
                (messages, prompt) -> {
                    var out = new StringBuilder();
                    for (Message m : messages)
                        out.append("### ")
                                .append(m.role())
                                .append(":\n")
                                .append(m.content())
                                .append("\n\n");
                    return out.append(prompt ? "### assistant:\n" : "").toString();
                };
        assertThat(
                        learned(
                                encode(
                                        strict(plain),
                                        chat("user:a", "assistant:xyz", "user:b", "assistant:c"))))
                .containsExactly("xyz", "c");
    }

    @Test
    void aTemplateThatTurnsBackOnItselfIsAnError() {
        Encoder.Renderer counts =
                (messages, prompt) -> messages.size() + CHATML.render(messages, prompt);
        assertThatThrownBy(() -> strict(counts).encode(chat("user:a", "assistant:b")))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:7: the chat template writes")
                .hasMessageContaining("message 2 ");
        // Only answers have to be found.
        assertThatThrownBy(() -> strict(counts).encode(chat("user:a")))
                .hasMessageContaining("nothing to learn");
    }

    @Test
    void aConversationThatBeginsWithAnAnswerIsAnErrorWhereTheTemplateAddsToIt() {
        assertThatThrownBy(() -> strict(CHATML).encode(chat("assistant:b", "user:a")))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:7: the conversation begins with an answer");
    }

    @Test
    void aConversationThatTheTemplateRefusesIsAnErrorWithItsPlace() {
        assertThatThrownBy(
                        () ->
                                strict(template("gemma.jinja"))
                                        .encode(chat("system:s", "user:a", "assistant:b")))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:7: ")
                .hasMessageContaining("System role not supported");
    }

    @Test
    void conversationsNeedATemplate() {
        assertThatThrownBy(
                        () ->
                                encoder(Optional.empty(), LONG, ALL)
                                        .encode(chat("user:a", "assistant:b")))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:7: conversations need a chat template");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            textBlock =
                    """
                    "S:"|"xyz"|"xyz<|endoftext|>"
                    "S"|" xyz"|" xyz<|endoftext|>"
                    "a"|""|"<|endoftext|>"
                    "S:"|"x<|endoftext|>"|"x<|endoftext|>"
                    "a<|endoftext|>"|""|"<|endoftext|>"
                    """)
    void withoutATemplateBothAreJoinedAndEnded(String prompt, String completion, String learned) {
        var e =
                encode(
                        encoder(Optional.empty(), LONG, Allowances.NONE),
                        new Example.Completion(prompt, completion, "r:1"));
        assertThat(learned(e)).containsExactly(learned);
        assertThat(text(e, 0, e.ids().length)).isEqualTo("<|im_start|>" + prompt + learned);
    }

    @Test
    void theFirstTokenIsNeverLearned() {
        try (Tokenizer bare = surrounded(List.of())) {
            var encoder = new Encoder(bare, Optional.empty(), 0, LONG, Allowances.NONE);
            var e = encode(encoder, new Example.Completion("", "xyz", "r:1"));
            assertThat(learned(e)).containsExactly("yz<|endoftext|>");
            // An end alone follows nothing.
            assertThatThrownBy(() -> encoder.encode(new Example.Completion("", "", "r:1")))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("nothing to learn");
        }
    }

    @Test
    void anEndThatTheTokenizerAddsIsNotDoubled() {
        Object end = Map.of("SpecialToken", Map.of("id", "<|endoftext|>", "type_id", 0));
        try (Tokenizer ending = surrounded(List.of(end))) {
            var encoder = new Encoder(ending, Optional.empty(), 0, LONG, Allowances.NONE);
            var e = encode(encoder, new Example.Completion("S:", "xyz", "r:1"));
            assertThat(text(e, 0, e.ids().length)).isEqualTo("S:xyz<|endoftext|>");
            assertThat(learned(e)).containsExactly("xyz<|endoftext|>");
        }
    }

    /** The small tokenizer with these pieces after each text and none before. */
    private static Tokenizer surrounded(List<Object> after) {
        String json = MaskingGoldenTest.resource("tokens/small-tokenizer.json");
        @SuppressWarnings("unchecked") // the file is a map
        var plain = (Map<String, Object>) Objects.requireNonNull(Json.read(json, "small").plain());
        var pieces = new ArrayList<Object>();
        pieces.add(Map.of("Sequence", Map.of("id", "A", "type_id", 0)));
        pieces.addAll(after);
        plain.put(
                "post_processor",
                Map.of(
                        "type",
                        "TemplateProcessing",
                        "single",
                        pieces,
                        "pair",
                        List.of(
                                Map.of("Sequence", Map.of("id", "A", "type_id", 0)),
                                Map.of("Sequence", Map.of("id", "B", "type_id", 0))),
                        "special_tokens",
                        Map.of(
                                "<|endoftext|>",
                                Map.of(
                                        "id",
                                        "<|endoftext|>",
                                        "ids",
                                        List.of(0),
                                        "tokens",
                                        List.of("<|endoftext|>")))));
        return Tokenizer.fromJson(Json.write(plain), "small");
    }

    @Test
    void aTokenAcrossTheBoundaryBelongsToThePrompt() {
        assertThat(TOKENIZER.encode("ab", false)).as("one token").hasSize(1);
        var e =
                encode(
                        encoder(Optional.empty(), LONG, Allowances.NONE),
                        new Example.Completion("a", "b", "r:1"));
        assertThat(e.ids()).containsExactly(1, TOKENIZER.encode("ab", false)[0], 0);
        assertThat(e.learned()).containsExactly(false, false, true);
    }

    @Test
    void whatIsLongerThanTheContextIsAnErrorUnlessCuttingIsAllowed() {
        var example = new Example.Completion("q", "abcdefgh".repeat(50), "rows.jsonl:7");
        int length = encode(strict(CHATML), example).ids().length;
        assertThat(encode(encoder(Optional.of(CHATML), length, Allowances.NONE), example).ids())
                .as("what comes after the last learned token does not count")
                .hasSize(length);
        assertThatThrownBy(
                        () ->
                                encoder(Optional.of(CHATML), length - 1, Allowances.NONE)
                                        .encode(example))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:7: the example has " + length + " tokens")
                .hasMessageContaining("context_tokens = " + (length - 1));
        var tally = new Tally();
        var cutting = new Allowances(true, false, false, false);
        var cut =
                encode(
                        new Encoder(TOKENIZER, Optional.of(CHATML), 0, length - 40, cutting, tally),
                        example);
        assertThat(cut.ids()).hasSize(length - 40);
        assertThat(tally.clauses()).containsExactly("1 example cut at the end");
        assertThatThrownBy(() -> encoder(Optional.of(CHATML), 20, cutting).encode(example))
                .as("cut before its answer")
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nothing to learn");
    }

    @Test
    void anExampleWithNothingToLearnIsAnErrorUnlessAllowed() {
        assertThatThrownBy(() -> strict(CHATML).encode(chat("user:a")))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:7: there is nothing to learn")
                .hasMessageContaining("--allow no-answer");
        var tally = new Tally();
        var lenient = new Encoder(TOKENIZER, Optional.of(CHATML), 0, 20, ALL, tally);
        assertThat(lenient.encode(chat("user:a"))).isEmpty();
        assertThat(lenient.encode(chat("user:a", "assistant:b")))
                .as("its answer is cut off")
                .isEmpty();
        assertThat(tally.clauses()).containsExactly("2 examples with nothing to learn left out");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void learnedTextIsTheAnswersWhateverTheyAre(int seed) {
        var random = new Random(seed);
        String[] bits = {
            "a",
            " ",
            "the",
            "\n",
            "\u00fc",
            "\uD83D\uDE00",
            "\u4eca",
            "1",
            ".",
            "<|im_start",
            "assistant"
        };
        for (int round = 0; round < 200; round++) {
            var turns = new ArrayList<String>();
            var want = new ArrayList<String>();
            for (int turn = 0; turn < 1 + random.nextInt(4); turn++) {
                var content =
                        new StringBuilder(
                                "x"); // what begins with space may lie in one token with the
                // prompt's newline
                for (int i = random.nextInt(8); i > 0; i--)
                    content.append(bits[random.nextInt(bits.length)]);
                turns.add("user:" + content.reverse());
                turns.add("assistant:" + content.reverse());
                want.add(content + "<|im_end|>");
            }
            assertThat(learned(encode(strict(CHATML), chat(turns.toArray(String[]::new)))))
                    .isEqualTo(want);
        }
    }

    @Test
    void halfPairsAndLongConversationsWork() {
        assertThat(learned(encode(strict(CHATML), chat("user:a", "assistant:x\uD83D y"))))
                .containsExactly("x\uFFFD y<|im_end|>");
        String[] turns =
                IntStream.range(0, 300)
                        .mapToObj(i -> (i % 2 == 0 ? "user:" : "assistant:") + i)
                        .toArray(String[]::new);
        assertThat(learned(encode(strict(CHATML), chat(turns)))).hasSize(150);
        String huge = "word ".repeat(400_000);
        assertThatThrownBy(
                        () ->
                                encoder(Optional.of(CHATML), 2048, Allowances.NONE)
                                        .encode(chat("user:a", "assistant:" + huge)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("more than context_tokens = 2048");
    }

    @Test
    void manyKeepTheirOrder() {
        var examples =
                IntStream.range(0, 3000)
                        .mapToObj(i -> (Example) chat("user:number " + i, "assistant:" + i))
                        .toList();
        Encoder encoder = strict(CHATML);
        List<Optional<Encoded>> all = encoder.encodeAll(examples, 4);
        assertThat(all).hasSameSizeAs(examples);
        for (int i = 0; i < all.size(); i++)
            assertThat(learned(all.get(i).orElseThrow())).isEqualTo(List.of(i + "<|im_end|>"));
    }

    @Test
    void ofManyErrorsTheFirstIsTold() {
        var examples = new ArrayList<Example>();
        for (int i = 0; i < 500; i++)
            examples.add(
                    new Example.Chat(
                            i < 200
                                    ? List.of(
                                            new Message("user", "a"), new Message("assistant", "b"))
                                    : List.of(new Message("user", "a")),
                            "rows.jsonl:" + (i + 1)));
        assertThatThrownBy(() -> strict(CHATML).encodeAll(examples, 4))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("rows.jsonl:201: ");
    }

    @Test
    void countsFromManyThreadsAddUp() {
        var examples =
                IntStream.range(0, 2500).mapToObj(_ -> (Example) chat("user:a", "user:b")).toList();
        var tally = new Tally();
        var encoder = new Encoder(TOKENIZER, Optional.of(CHATML), 0, LONG, ALL, tally);
        assertThat(encoder.encodeAll(examples, 4)).allMatch(Optional::isEmpty);
        assertThat(tally.count(Tally.Kind.NO_ANSWER)).isEqualTo(2500);
    }
}
