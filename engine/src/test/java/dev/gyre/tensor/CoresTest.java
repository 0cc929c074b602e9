package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.List;

class CoresTest {
    @Test
    void eachThreadKeepsToOneCoreAndTheCallerKeepsItsOwn() {
        int before = Torch.threads();
        assertThat(Cores.each(3, _ -> Torch.threads())).isEqualTo(List.of(1, 1, 1));
        assertThat(Torch.threads()).isEqualTo(before);
        assertThat(Cores.each(2, i -> i * 10)).isEqualTo(List.of(0, 10));
    }

    @Test
    void aFailureReachesTheCallerAfterAllHaveEnded() {
        var ended = new java.util.concurrent.atomic.AtomicBoolean();
        assertThatThrownBy(
                        () ->
                                Cores.each(
                                        2,
                                        i -> {
                                            if (i == 0) throw new AssertionError("first");
                                            java.util.concurrent.locks.LockSupport.parkNanos(
                                                    50_000_000);
                                            ended.set(true);
                                            return i;
                                        }))
                .isInstanceOf(AssertionError.class)
                .hasMessage("first");
        assertThat(ended).isTrue();
        assertThat(Cores.each(2, i -> i)).hasSize(2);
    }
}
