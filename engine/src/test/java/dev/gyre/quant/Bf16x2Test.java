package dev.gyre.quant;

import static dev.gyre.quant.EncodedTest.apart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gyre.config.UserError;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.InScope;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.kernel.Kernels;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(InScope.class)
class Bf16x2Test {
    private final Random random = Random.seeded(4);

    private static Weight of(Weight weight, Scope home) {
        assumeTrue(Kernels.haveParts(), "NOT RUN: this processor has no matrix tiles (AMX)");
        return BaseEncoding.named("bf16x2").linear().apply(weight, home);
    }

    /** Few rows take plain products, many those of their parts; f32 numbers may be of bf16. */
    @ParameterizedTest
    @CsvSource({"BF16, 3", "BF16, 200", "F32, 3", "F32, 200"})
    void productsAreTheSources(DType type, int rows) {
        try (var home = Scope.detached()) {
            var source = new Dense(random.normal(4160, 96).to(DType.BF16).to(type));
            Weight made = of(source, home);
            assertThat(made.encoding()).isEqualTo("bf16x2");
            assertThat(made.bytes()).isEqualTo(4160L * 96 * 2);
            Tensor w = source.dense();
            assertThat(made.dense().sameAs(w)).isTrue();
            Tensor x = random.normal(rows, 96);
            Tensor dy = random.normal(rows, 4160);
            assertThat(apart(made.times(x), x.linear(w))).isLessThan(1e-5);
            assertThat(apart(made.transposeTimes(dy), dy.matmul(w))).isLessThan(1e-5);
        }
    }

    @Test
    void numbersThatAreNotOfBf16AreDecoded() {
        try (var home = Scope.detached()) {
            Tensor w = random.normal(4160, 64).to(DType.BF16).to(DType.F32);
            w.narrow(0, 4159, 1).narrow(1, 63, 1).fillInPlace(1.001);
            assertThat(of(new Dense(w), home)).isEqualTo(new Dense(w));
        }
    }

    @Test
    void aMatrixThatPanelsDoNotDivideIsDecoded() {
        try (var home = Scope.detached()) {
            Weight made = of(new Dense(random.normal(50, 64).to(DType.BF16)), home);
            assertThat(made.encoding()).isEqualTo("f32");
        }
    }

    @Test
    void itIsMadeWhereTheUnitsAreAndRefusedElsewhere() {
        var encoding = BaseEncoding.named("bf16x2");
        try (var home = Scope.detached()) {
            var source = new Dense(random.normal(64, 64).to(DType.BF16));
            if (Kernels.haveParts())
                assertThat(encoding.head().apply(source, home)).isInstanceOf(Bf16x2.class);
            else
                assertThatThrownBy(() -> encoding.linear().apply(source, home))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("use: f32");
        }
    }
}
