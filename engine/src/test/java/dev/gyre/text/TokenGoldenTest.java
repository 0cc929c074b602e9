package dev.gyre.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids, offsets and texts are those of transformers. */
public class TokenGoldenTest {
    @ParameterizedTest
    @ValueSource(strings = {"smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o"})
    void aVocabularyGivesTransformersIds(String pre) {
        try (var tokenizer = Tokenizer.fromVocabulary(Goldens.small(pre, false))) {
            check(tokenizer, "small-" + pre + ".json", false);
        }
    }

    @Test
    void aVocabularyWithABeginningTokenGivesIt() {
        try (var tokenizer = Tokenizer.fromVocabulary(Goldens.small("smollm", true))) {
            check(tokenizer, "small-template.json", true);
            check(tokenizer, "small-smollm.json", false);
        }
    }

    @Test
    void cuttingAndPaddingInATokenizerJsonHaveNoEffect() {
        String json = Goldens.text("tokens/small-tokenizer.json");
        assertThat(json).contains("\"max_length\":5", "\"Fixed\":9");
        try (var tokenizer = Tokenizer.fromJson(json, "small-tokenizer.json")) {
            check(tokenizer, "small-template.json", true);
        }
    }

    /** Holds a tokenizer against a golden file: ids, offsets, and text back from ids. */
    public static void check(Tokenizer tokenizer, String golden, boolean addSpecial) {
        var softly = new SoftAssertions();
        for (Goldens.Row row : Goldens.rows(golden)) {
            Encoding encoding = tokenizer.encodeWithOffsets(row.text(), addSpecial);
            softly.assertThat(tokenizer.encode(row.text(), addSpecial))
                    .as("%s", row)
                    .isEqualTo(row.ids());
            softly.assertThat(encoding.ids()).as("%s", row).isEqualTo(row.ids());
            softly.assertThat(inCodePoints(row.text(), encoding))
                    .as("%s", row)
                    .isEqualTo(row.offsets());
            softly.assertThat(tokenizer.decode(row.ids(), false)).isEqualTo(row.decoded());
            softly.assertThat(tokenizer.decode(row.ids(), true)).isEqualTo(row.plain());
            var stream = tokenizer.streamDecoder(false);
            var pieces = new StringBuilder();
            for (int id : row.ids()) pieces.append(stream.push(id));
            softly.assertThat(pieces.append(stream.flush()).toString()).isEqualTo(row.decoded());
        }
        softly.assertAll();
    }

    private static int[] inCodePoints(String text, Encoding encoding) {
        int[] offsets = new int[encoding.length() * 2];
        for (int i = 0; i < encoding.length(); i++) {
            offsets[2 * i] = text.codePointCount(0, encoding.starts()[i]);
            offsets[2 * i + 1] = text.codePointCount(0, encoding.ends()[i]);
        }
        return offsets;
    }
}
