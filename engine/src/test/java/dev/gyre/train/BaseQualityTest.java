package dev.gyre.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.data.Encoded;
import dev.gyre.model.Families;
import dev.gyre.model.Loading;
import dev.gyre.model.Slot;
import dev.gyre.quant.BaseEncoding;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.util.List;

class BaseQualityTest {
    private static final Path MODEL = Path.of("src/test/resources/golden/pico-llama/own-head");

    @ParameterizedTest
    @CsvSource({"f32, 0, 1e-6", "int8, 0.02, 0.02"})
    void saysHowFarWeightsAndLossAreOff(String encoding, double mostDrift, double mostLoss) {
        var ids = new int[] {1, 5, 9, 2, 7, 3};
        var learned = new boolean[] {false, true, true, true, true, true};
        try (var stored = Families.open(MODEL, Loading.PLAIN);
                var encoded = Families.open(MODEL, Loading.as(BaseEncoding.named(encoding)))) {
            TrainEvent.BaseEncoded cost =
                    BaseQuality.of(
                            encoding, encoded, stored, List.of(new Encoded(ids, learned, "a row")));
            assertThat(cost.loss()).isCloseTo(cost.storedLoss(), within(mostLoss));
            assertThat(cost.drift())
                    .hasSize(
                            (int)
                                    stored.slots().stream()
                                            .filter(s -> s.kind() != Slot.Kind.EMBEDDING)
                                            .count());
            assertThat(cost.worstDrift()).isLessThanOrEqualTo(mostDrift);
            if (mostDrift > 0) assertThat(cost.meanDrift()).isPositive();
        }
    }
}
