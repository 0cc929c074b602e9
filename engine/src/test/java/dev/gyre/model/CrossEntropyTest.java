package dev.gyre.model;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;

import org.junit.jupiter.api.Test;

import java.util.List;

class CrossEntropyTest {
    /**
     * The loss's kernel reads and writes at a label's place in its row, and beyond it at another's.
     */
    @Test
    void aLabelBeyondTheVocabularyIsRefused() {
        try (Model model = PicoModels.plain(DType.F32);
                var _ = Scope.open();
                var tape = Tape.recording(1)) {
            var tokens = Tokens.of(List.of(new int[] {1, 2}), List.of());
            int[] labels = {2, model.vocabulary()};
            assertThatThrownBy(() -> model.loss(tape, tokens, labels, 1))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("token " + model.vocabulary() + " is to be learned");
        }
    }
}
