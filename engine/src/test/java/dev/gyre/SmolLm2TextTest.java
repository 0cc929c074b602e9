package dev.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.text.Goldens;
import dev.gyre.text.TokenGoldenTest;

import org.junit.jupiter.api.Test;

/** The real SmolLM2: the ids that transformers gives from the same GGUF file, and its template. */
@Peers.Needed
class SmolLm2TextTest {
    @Test
    void itsVocabularyGivesTransformersIds() {
        try (var dialect = Base.dialect(Peers.here().model())) {
            assertThat(dialect.tokenizer().vocabularySize()).isEqualTo(49152);
            assertThat(dialect.bos()).isEqualTo(1);
            assertThat(dialect.eos()).isEqualTo(2);
            assertThat(dialect.stops()).containsExactly(2, 0);
            assertThat(dialect.template().orElseThrow().source())
                    .isEqualTo(Goldens.text("templates/smollm2.jinja"));
            TokenGoldenTest.check(dialect.tokenizer(), "smollm2.json", true);
        }
    }
}
