package dev.gyre.quant;

import static dev.gyre.quant.EncodedTest.apart;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.tensor.DType;
import dev.gyre.tensor.Int8Matrix;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Int8Test {
    @BeforeEach
    void onX86() {
        Assumptions.assumeTrue(Int8Matrix.possible());
    }

    /** Widths with and without whole vectors: kernels and plain operations. */
    @ParameterizedTest
    @CsvSource({"64, 96", "48, 80", "37, 29", "64, 29", "37, 96"})
    void onlyTheWeightIsRounded(int in, int out) {
        try (var home = Scope.open();
                var random = Random.seeded(1)) {
            Tensor w = random.normal(out, in).to(DType.F32);
            var int8 = Int8.of(new Dense(w), home);
            // A row of codes is off by at most half a step, a 254th of its largest number.
            assertThat(int8.dense().minus(w).abs().max().item())
                    .isLessThanOrEqualTo(w.abs().max().item() / 253);
            Tensor x = outlying(random.normal(9, in).to(DType.F32));
            assertThat(apart(int8.times(x), x.linear(int8.dense()))).isLessThan(3e-4);
            // A gradient's rows have 8 bits, half a 127th of the largest number at most.
            Tensor back = random.normal(9, out).to(DType.F32);
            assertThat(apart(int8.transposeTimes(back), back.matmul(int8.dense())))
                    .isLessThan(2e-2);
        }
    }

    /** Pairs of such products do not fit 16 bits, in which some processors add them. */
    @Test
    void theLargestNumbersDoNotSaturate() {
        try (var home = Scope.open()) {
            var int8 = Int8.of(new Dense(Tensor.ones(DType.F32, 96, 64)), home);
            Tensor x = Tensor.ones(DType.F32, 9, 64);
            assertThat(apart(int8.times(x), Tensor.full(DType.F32, 64, 9, 96))).isLessThan(1e-5);
            Tensor dy = Tensor.ones(DType.F32, 9, 96);
            assertThat(apart(int8.transposeTimes(dy), Tensor.full(DType.F32, 96, 9, 64)))
                    .isLessThan(1e-5);
        }
    }

    @Test
    void aHeadsGradientKeepsWhatIsSmall() {
        try (var home = Scope.open();
                var random = Random.seeded(1)) {
            Tensor w = random.normal(4096, 64).to(DType.F32);
            var head = Int8.head(new Dense(w), home);
            Tensor softmax = Tensor.full(DType.F32, 1e-5, 2, 4096);
            softmax.narrow(1, 7, 1).fillInPlace(-1);
            assertThat(apart(head.transposeTimes(softmax), softmax.matmul(w))).isLessThan(1e-6);
        }
    }

    /** The first number of each row is a hundred times the others. */
    private static Tensor outlying(Tensor x) {
        x.narrow(1, 0, 1).timesInPlace(100);
        return x;
    }

    @ParameterizedTest
    @CsvSource({"64, 96", "37, 29"})
    void aRowDoesNotDependOnTheOthers(int in, int out) {
        try (var home = Scope.open();
                var random = Random.seeded(2)) {
            var int8 = Int8.of(new Dense(random.normal(out, in).to(DType.F32)), home);
            Tensor x = random.normal(33, in).to(DType.F32);
            Tensor all = int8.times(x);
            for (int r : new int[] {0, 7, 32}) {
                Tensor own = int8.times(x.narrow(0, r, 1).contiguous());
                assertThat(own.sameAs(all.narrow(0, r, 1).contiguous())).isTrue();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"64, 96", "37, 29"})
    void whatIsNotFiniteStaysInItsRow(int in, int out) {
        try (var home = Scope.open();
                var random = Random.seeded(2)) {
            var int8 = Int8.of(new Dense(random.normal(out, in).to(DType.F32)), home);
            Tensor x = random.normal(3, in).to(DType.F32);
            x.narrow(0, 0, 1).narrow(1, 5, 1).fillInPlace(Double.NaN);
            x.narrow(0, 1, 1).narrow(1, 5, 1).fillInPlace(Double.NEGATIVE_INFINITY);
            Tensor y = int8.times(x);
            assertThat(y.narrow(0, 0, 1).sum().item()).isNaN();
            assertThat(Double.isFinite(y.narrow(0, 1, 1).sum().item())).isFalse();
            assertThat(y.narrow(0, 2, 1).allFinite()).isTrue();
        }
    }

    @Test
    void zerosStayZeros() {
        try (var home = Scope.open()) {
            var int8 = Int8.of(new Dense(Tensor.zeros(DType.F32, 32, 64)), home);
            assertThat(int8.times(Tensor.ones(DType.F32, 2, 64)).norm().item()).isZero();
            assertThat(int8.dense().norm().item()).isZero();
            var ones = Int8.of(new Dense(Tensor.ones(DType.F32, 32, 64)), home);
            assertThat(ones.times(Tensor.zeros(DType.F32, 2, 64)).norm().item()).isZero();
        }
    }
}
