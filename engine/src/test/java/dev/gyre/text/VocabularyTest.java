package dev.gyre.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;

import java.util.List;

class VocabularyTest {
    private static Vocabulary of(
            String model,
            String pre,
            List<String> tokens,
            int[] types,
            List<String> merges,
            int bos) {
        return new Vocabulary(model, pre, tokens, types, merges, bos, -1, -1, bos >= 0);
    }

    private static Vocabulary merging(String... merges) {
        return of("gpt2", "gpt-2", List.of("a", "b", "ab"), new int[0], List.of(merges), -1);
    }

    private static void refused(
            org.assertj.core.api.ThrowableAssert.ThrowingCallable action, String... says) {
        assertThatThrownBy(action).isInstanceOf(UserError.class).hasMessageContainingAll(says);
    }

    @Test
    void mergesWork() {
        try (var t = Tokenizer.fromVocabulary(merging("a b"))) {
            assertThat(t.encode("abba", true)).containsExactly(2, 1, 0);
            assertThat(t.decode(new int[] {2, 1, 0}, true)).isEqualTo("abba");
        }
    }

    @Test
    void whatDoesNotFitIsNamed() {
        refused(() -> of("gpt2", "", List.of(), new int[0], List.of(), -1), "no tokens");
        refused(
                () -> of("gpt2", "", List.of("a"), new int[] {1, 1}, List.of(), -1),
                "1 tokens and 2 token types");
        refused(
                () -> of("gpt2", "", List.of("a"), new int[0], List.of(), 1),
                "bos_token_id is 1",
                "0 to 0");
        refused(
                () ->
                        new Vocabulary(
                                "gpt2", "", List.of("a"), new int[0], List.of(), -1, -1, -1, true),
                "add_bos_token");
        refused(
                () ->
                        Tokenizer.fromVocabulary(
                                of("llama", "", List.of("a"), new int[0], List.of(), -1)),
                "\"llama\"");
        refused(
                () ->
                        Tokenizer.fromVocabulary(
                                of("gpt2", "qwen3", List.of("a"), new int[0], List.of(), -1)),
                "\"qwen3\"",
                "did you mean \"qwen2\"");
        refused(() -> Tokenizer.fromVocabulary(merging("a b", "a")), "merges[1]", "\"a\"");
        refused(() -> Tokenizer.fromVocabulary(merging("a c")), "merges[0]", "\"c\"");
        refused(() -> Tokenizer.fromVocabulary(merging("b a")), "merges[0]", "\"ba\"");
        refused(() -> Tokenizer.fromVocabulary(merging("")), "merges[0]");
    }

    @Test
    void controlTokensOutsideTheAlphabetAreMatchedWhole() {
        var v =
                of(
                        "gpt2",
                        "qwen2",
                        List.of("a", "<\uFF5Cend\uFF5C>", "\u4F60"),
                        new int[] {1, 3, 1},
                        List.of(),
                        -1);
        try (var t = Tokenizer.fromVocabulary(v)) {
            assertThat(t.encode("a<\uFF5Cend\uFF5C>a", false)).containsExactly(0, 1, 0);
            assertThat(t.decode(new int[] {0, 1}, false)).isEqualTo("a<\uFF5Cend\uFF5C>");
            assertThat(t.decode(new int[] {0, 1, 2}, true)).isEqualTo("a\u4F60");
        }
    }

    @Test
    void doubledAndEmptyTokensDoNotBreakIt() {
        var v = of("gpt2", "", List.of("a", "a", "", "b"), new int[] {1, 1, 3, 1}, List.of(), -1);
        try (var t = Tokenizer.fromVocabulary(v)) {
            assertThat(t.decode(t.encode("ab", false), false)).isEqualTo("ab");
            assertThat(t.vocabularySize()).isEqualTo(4);
        }
    }
}
