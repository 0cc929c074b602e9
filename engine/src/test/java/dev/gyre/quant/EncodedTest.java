package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.format.ElementType;
import dev.gyre.format.StoredTensor;
import dev.gyre.tensor.DType;
import dev.gyre.tensor.Random;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tensor;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

class EncodedTest {
    /** Two tiles and a rest: a tile of 512 columns has 512 rows. */
    private static final int OUT = 1100;

    private static final int IN = 512;

    static Stream<ElementType> types() {
        return Encodings.readable().stream().filter(t -> t.blockElements() > 1).sorted();
    }

    @ParameterizedTest
    @MethodSource("types")
    void productsEqualThoseOfTheDecodedWeight(ElementType type) {
        try (var arena = Arena.ofShared();
                var _ = Scope.open();
                var random = Random.seeded(3)) {
            StoredTensor stored = Blocks.random(type, OUT, IN, arena);
            var encoded = new Encoded(Encodings.rows(stored), null);
            Tensor w = Tensor.of(Encodings.decode(stored), OUT, IN);
            assertThat(encoded.dense().sameAs(w)).isTrue();
            for (int n : List.of(1, 5, 40)) {
                Tensor x = random.normal(n, IN).to(DType.F32);
                Tensor dy = random.normal(n, OUT).to(DType.F32);
                assertThat(apart(encoded.times(x), x.linear(w))).isLessThan(1e-5);
                assertThat(apart(encoded.transposeTimes(dy), dy.matmul(w))).isLessThan(1e-5);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void rowsComeInTheOrderOfTheMatrix(ElementType type) {
        try (var arena = Arena.ofShared();
                var _ = Scope.open();
                var random = Random.seeded(3)) {
            StoredTensor stored = Blocks.random(type, 6, 256, arena);
            int[] order = {4, 0, 5, 1, 3, 2};
            var encoded = new Encoded(Encodings.rows(stored), order);
            Tensor w = Tensor.of(Encodings.decode(stored), 6, 256).indexSelect(0, Tensor.of(order));
            assertThat(encoded.dense().sameAs(w)).isTrue();
            assertThat(encoded.panel(2, 3).sameAs(w.narrow(0, 2, 3).contiguous())).isTrue();
            Tensor ids = Tensor.of(new int[] {5, 0, 5});
            assertThat(encoded.rows(ids).sameAs(w.indexSelect(0, ids))).isTrue();
            Tensor x = random.normal(3, 256).to(DType.F32);
            assertThat(apart(encoded.times(x), x.linear(w))).isLessThan(1e-5);
        }
    }

    /** |a − b| / |b|. */
    static double apart(Tensor a, Tensor b) {
        return a.minus(b).norm().item() / b.norm().item();
    }
}
