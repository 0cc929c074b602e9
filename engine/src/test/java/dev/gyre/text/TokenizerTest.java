package dev.gyre.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;

class TokenizerTest {
    private final Tokenizer tokenizer = Tokenizer.fromVocabulary(Goldens.small("smollm", false));

    @AfterEach
    void close() {
        tokenizer.close();
    }

    @Test
    void offsetsAreInJavaChars() {
        String text = "a\uD83D\uDE00\u4F60b";
        Encoding e = tokenizer.encodeWithOffsets(text, false);
        assertThat(e.length())
                .isGreaterThan(4); // the emoji is several tokens, each of which spans all of it
        assertThat(e.starts()[0]).isZero();
        assertThat(e.ends()[0]).isEqualTo(1);
        assertThat(e.starts()[1]).isEqualTo(1);
        assertThat(e.ends()[1]).isEqualTo(3);
        assertThat(e.starts()[e.length() - 1]).isEqualTo(4);
        assertThat(e.ends()[e.length() - 1]).isEqualTo(5);
    }

    @Test
    void anAddedTokenIsEmptyAndStandsAtTheFront() {
        try (var withBos = Tokenizer.fromVocabulary(Goldens.small("smollm", true))) {
            Encoding e = withBos.encodeWithOffsets("ab", true);
            assertThat(e.ids()).startsWith(1);
            assertThat(e.starts()[0]).isZero();
            assertThat(e.ends()[0]).isZero();
        }
    }

    @Test
    void tokensAndIds() {
        assertThat(tokenizer.vocabularySize()).isEqualTo(341);
        assertThat(tokenizer.id("<|im_end|>")).isEqualTo(OptionalInt.of(2));
        assertThat(tokenizer.token(2)).isEqualTo("<|im_end|>");
        assertThat(tokenizer.isSpecial(2)).isTrue();
        assertThat(tokenizer.id("<think>")).isEqualTo(OptionalInt.of(340));
        assertThat(tokenizer.isSpecial(340)).isFalse();
        assertThat(tokenizer.encode("<think>", false)).containsExactly(340);
        assertThat(tokenizer.decode(new int[] {1, 340, 2}, true)).isEqualTo("<think>");
        assertThat(tokenizer.id("no such token")).isEmpty();
        assertThat(tokenizer.isSpecial(5000)).isFalse();
        assertThat(tokenizer.isSpecial(-1)).isFalse();
        assertThatThrownBy(() -> tokenizer.token(341))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void idsBeyondTheVocabularyAreNoText() {
        assertThat(tokenizer.decode(new int[] {42, 5000, Integer.MAX_VALUE, 42}, false))
                .isEqualTo("HH");
        assertThat(tokenizer.decode(new int[0], false)).isEmpty();
        assertThatThrownBy(() -> tokenizer.decode(new int[] {-1}, false))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void halfPairsCountAsReplacementCharacters() {
        for (String half : List.of("a\uD83Db", "\uDE00", "x\uD83D", "\uDE00\uD83D")) {
            String mended = half.replaceAll("[\uD83D\uDE00]", "\uFFFD");
            assertThat(tokenizer.encode(half, false)).isEqualTo(tokenizer.encode(mended, false));
            assertThat(tokenizer.encodeWithOffsets(half, false).ends()).endsWith(half.length());
        }
    }

    @Test
    void anyTextComesBack() {
        String text = "\u0000\t\r\n \u0085\u00A0\uFEFF\uFFFD\uD83D\uDE00 tail ";
        assertThat(tokenizer.decode(tokenizer.encode(text, false), false)).isEqualTo(text);
    }

    @Test
    void aHugeTextIsNotCut() {
        String text = "All work and no play makes Jack a dull boy.\n".repeat(50_000);
        Encoding e = tokenizer.encodeWithOffsets(text, false);
        assertThat(e.ends()).endsWith(text.length());
        assertThat(tokenizer.decode(e.ids(), false)).isEqualTo(text);
    }

    @Test
    void aHugeWordIsEncoded() {
        String text = "ab".repeat(100_000);
        assertThat(tokenizer.decode(tokenizer.encode(text, false), false)).isEqualTo(text);
    }

    @Test
    void threadsShareATokenizer() throws Exception {
        var golden = Goldens.rows("small-smollm.json");
        try (var pool = Executors.newFixedThreadPool(4)) {
            var jobs = new ArrayList<Callable<Boolean>>();
            for (int t = 0; t < 16; t++)
                jobs.add(
                        () ->
                                golden.stream()
                                        .allMatch(
                                                r ->
                                                        java.util.Arrays.equals(
                                                                        tokenizer.encode(
                                                                                r.text(), false),
                                                                        r.ids())
                                                                && tokenizer
                                                                        .decode(r.ids(), false)
                                                                        .equals(r.decoded())));
            for (var done : pool.invokeAll(jobs)) assertThat(done.get()).isTrue();
        }
    }

    @Test
    void aClosedTokenizerSaysSo() {
        var closed = Tokenizer.fromVocabulary(Goldens.small("smollm", false));
        closed.close();
        closed.close();
        assertThatThrownBy(() -> closed.encode("a", false))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> closed.decode(new int[] {1}, false))
                .isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "{}",
                "{\"model\":{}}",
                "{\"model\":{\"vocab\":{}}}",
                "{\"model\":{\"vocab\":{\"a\":-1}}}",
                "{\"model\":{\"vocab\":{\"a\":2000000000}}}",
                "{\"model\":{\"vocab\":[[]]}}",
                "{\"model\":{\"type\":\"Nope\",\"vocab\":{\"a\":0}}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}",
                "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":\"Isolated\",\"invert\":false},"
                    + "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
                "{\"added_tokens\":[{\"id\":0}],\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
                "{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"b\",\"type_id\":0}}],"
                    + "\"pair\":[],\"special_tokens\":{}},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
                "{\"model\":{\"type\":\"BPE\",\"continuing_subword_prefix\":\"long\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},"
                    + "\"merges\":[[\"a\",\"b\"]]}}",
                "{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Strip\",\"content\":\"a\",\"start\":1,\"stop\":9}]},"
                    + "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
                "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"},"
                        + "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
                "{\"added_tokens\":[{\"id\":7,\"content\":\"b\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                    + "\"normalized\":false,\"special\":true}],\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}"
            })
    void whatIsNoTokenizerIsTheUsersToMend(String json) {
        assertThatThrownBy(() -> Tokenizer.fromJson(json, "t.json").close())
                .isInstanceOf(UserError.class)
                .hasMessageContaining("t.json");
    }

    @Test
    void aTextThatTheVocabularyCannotWriteIsAnError() {
        String json =
                "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"zz\",\"vocab\":{\"a\":0}}}";
        try (var t = Tokenizer.fromJson(json, "t.json")) {
            assertThatThrownBy(() -> t.encode("b", false))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("UNK");
        }
    }

    @Test
    void aDeepJsonIsRefused() {
        String deep = "{\"model\":" + "[".repeat(100_000);
        assertThatThrownBy(() -> Tokenizer.fromJson(deep, "t.json")).isInstanceOf(UserError.class);
    }

    @Test
    void filesThatAreMissingOrNoTextAreNamed(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        assertThatThrownBy(() -> Tokenizer.fromJson(file))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(file.toString());
        Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        assertThatThrownBy(() -> Tokenizer.fromJson(file))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(file.toString());
    }
}
