package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.stream.Collectors;

class BaseEncodingTest {
    @Test
    void helpNamesTheWholeRegistry() {
        assertThat(BaseEncoding.NAMES)
                .isEqualTo(
                        BaseEncoding.all().stream()
                                .map(BaseEncoding::name)
                                .collect(Collectors.joining(", ")));
    }

    /** Relative errors of normal numbers from the specification, and room for a small matrix. */
    @ParameterizedTest
    @CsvSource({"nf4, .095, 4.2", "q8_0, .0056, 8.5", "q4_0, .089, 4.5", "q4_k, .074, 4.5"})
    void productsEqualThoseOfTheDecodedWeightAndLittleIsLost(
            String name, double loss, double bits) {
        var encoding = BaseEncoding.named(name);
        try (var home = Scope.detached();
                var _ = Scope.open();
                var random = Random.seeded(3)) {
            Tensor w = random.normal(1100, 512).to(DType.F32);
            var made = encoding.linear().apply(new Dense(w), home);
            assertThat(made.encoding()).isEqualTo(name);
            assertThat(made.bytes() * 8.0 / w.elements()).isLessThanOrEqualTo(bits);
            Tensor back = made.dense();
            assertThat(EncodedTest.apart(back, w)).isLessThan(loss);
            Tensor x = random.normal(5, 512).to(DType.F32);
            Tensor dy = random.normal(5, 1100).to(DType.F32);
            assertThat(EncodedTest.apart(made.times(x), x.linear(back))).isLessThan(1e-5);
            assertThat(EncodedTest.apart(made.transposeTimes(dy), dy.matmul(back)))
                    .isLessThan(1e-5);
            assertThat(encoding.linear().apply(made, home)).isSameAs(made);
            assertThat(encoding.head().apply(new Dense(w), home)).isEqualTo(new Dense(w));
        }
    }

    @ParameterizedTest
    @CsvSource({"q4_k, 96, q5_0", "q4_k, 40, f16", "q8_0, 40, f16", "nf4, 40, nf4"})
    void rowsThatBlocksDoNotDivideFallBack(String name, int columns, String got) {
        try (var home = Scope.detached();
                var _ = Scope.open();
                var random = Random.seeded(3)) {
            var w = new Dense(random.normal(7, columns).to(DType.F32));
            assertThat(BaseEncoding.named(name).linear().apply(w, home).encoding()).isEqualTo(got);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "q8_0"})
    void weightsThatAreNotFiniteAreRefused(String name) {
        try (var home = Scope.detached();
                var _ = Scope.open()) {
            var w = new Dense(Tensor.ones(DType.F32, 4, 32).timesInPlace(Double.NaN));
            assertThatThrownBy(() -> BaseEncoding.named(name).linear().apply(w, home))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("row 0")
                    .hasMessageContaining("broken");
        }
    }

    @Test
    void anUnknownNameIsRefusedWithTheNearest() {
        assertThatThrownBy(() -> BaseEncoding.named("nf5"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("did you mean \"nf4\"?");
    }
}
