package dev.gyre.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.model.Model;
import dev.gyre.model.PicoModels;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A text in windows has the log-probabilities that each token has after its own window's beginning.
 */
class PerplexityTest {
    private static final int[] TEXT = new Random(3).ints(100, 0, 97).toArray();

    @ParameterizedTest
    @CsvSource({"8,1", "8,3", "8,7", "75,30", "99,98", "100,50", "128,64"})
    void windowsAreThoseOfAPlainComputation(int context, int stride) {
        try (Model model = PicoModels.plain(DType.F32);
                var _ = Scope.open()) {
            var scored = Perplexity.of(model, List.of(), TEXT, context, stride);
            double nll = 0;
            for (int i = 1; i < TEXT.length; i++) {
                int from = 0;
                while (from + context <= i) from += stride;
                double plain = logProbability(model, Arrays.copyOfRange(TEXT, from, i), TEXT[i]);
                assertThat(scored.logprobs()[i]).as("token %d", i).isCloseTo(plain, within(1e-4));
                nll -= plain;
            }
            assertThat(scored.logprobs()[0]).isNaN();
            assertThat(scored.tokens()).isEqualTo(TEXT.length - 1);
            assertThat(scored.nll()).isCloseTo(nll, within(1e-3));
            assertThat(scored.perplexity()).isCloseTo(Math.exp(nll / 99), within(1e-2));
        }
    }

    private static double logProbability(Model model, int[] before, int next) {
        try (var _ = Scope.open();
                var tape = Tape.off()) {
            var tokens = Tokens.of(List.of(before), List.of());
            Tensor logits =
                    model.logits(tape, model.hidden(tape, tokens, List.of()), tokens.spans())
                            .value();
            return logits.narrow(0, before.length - 1, 1).logSoftmax(1).toDoubles()[next];
        }
    }

    @Test
    void aWindowMustReachBackBeforeTheNextOnesTokens() {
        try (Model model = PicoModels.plain(DType.F32)) {
            assertThatThrownBy(() -> Perplexity.of(model, List.of(), TEXT, 8, 8))
                    .hasMessage("stride must be from 1 and below 8, not 8");
            assertThatThrownBy(() -> Perplexity.of(model, List.of(), TEXT, 8, 0))
                    .hasMessageContaining("not 0");
        }
    }
}
