package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which threads' methods a sampler counts. */
class StackSamplerTest {
    private static final String BUSY = "StackSamplerTest.busy";
    private static final long NANOS = 200_000_000;

    @Test
    void theCallersOwnWorkCounts() {
        try (var sampler = StackSampler.of("none-")) {
            busy();
            assertThat(sampler.stop()).hasEntrySatisfying(BUSY, this::most);
        }
    }

    @Test
    void aCallerThatWaitsForItsThreadsDoesNot() throws InterruptedException {
        var worker = Thread.ofPlatform().name("worker-1").unstarted(StackSamplerTest::busy);
        try (var sampler = StackSampler.of("worker-")) {
            worker.start();
            worker.join();
            assertThat(sampler.stop()).hasEntrySatisfying(BUSY, this::most);
        }
    }

    private void most(double share) {
        assertThat(share).isGreaterThan(0.8);
    }

    private static void busy() {
        long end = System.nanoTime() + NANOS;
        while (System.nanoTime() < end) Thread.onSpinWait();
    }
}
