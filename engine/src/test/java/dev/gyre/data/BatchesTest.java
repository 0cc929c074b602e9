package dev.gyre.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** The order of examples: each once an epoch, and a function of seed and step alone. */
class BatchesTest {
    private static int[] lengths(int n, Random random) {
        return IntStream.range(0, n).map(i -> 1 + random.nextInt(500)).toArray();
    }

    @Test
    void eachExampleComesOnceAnEpoch() {
        var random = new Random(1);
        for (int round = 0; round < 300; round++) {
            int n = 1 + random.nextInt(400);
            int batch = 1 + random.nextInt(round % 3 == 0 ? 500 : 9);
            var batches =
                    new Batches(
                            lengths(n, random), batch, 1, random.nextBoolean(), random.nextLong());
            int perEpoch = batches.passesPerEpoch();
            assertThat(perEpoch).isEqualTo(Math.ceilDiv(n, batch));
            for (int epoch = 0; epoch < 3; epoch++) {
                var seen = new ArrayList<Integer>();
                for (int i = 1; i <= perEpoch; i++) {
                    List<Integer> pass = batches.step((long) epoch * perEpoch + i).getFirst();
                    assertThat(pass).isNotEmpty().hasSizeLessThanOrEqualTo(batch);
                    seen.addAll(pass);
                }
                Collections.sort(seen);
                assertThat(seen).isEqualTo(IntStream.range(0, n).boxed().toList());
            }
        }
    }

    @Test
    void aStepIsTheSameWhateverWasAskedBefore() {
        int[] lengths = lengths(103, new Random(2));
        var inOrder = new Batches(lengths, 4, 3, true, 7);
        var steps = IntStream.rangeClosed(1, 60).mapToObj(inOrder::step).toList();
        var order = new ArrayList<>(IntStream.rangeClosed(1, 60).boxed().toList());
        Collections.shuffle(order, new Random(3));
        var jumping = new Batches(lengths, 4, 3, true, 7);
        for (int step : order) assertThat(jumping.step(step)).isEqualTo(steps.get(step - 1));
    }

    @Test
    void accumulationCutsTheStepsOfALargerBatch() {
        int[] lengths = lengths(50, new Random(4));
        var whole = new Batches(lengths, 12, 1, true, 11);
        var cut = new Batches(lengths, 3, 4, true, 11);
        for (int step = 1; step <= 4; step++)
            assertThat(cut.step(step).stream().flatMap(List::stream).toList())
                    .isEqualTo(whole.step(step).getFirst());
    }

    @Test
    void seedsAndEpochsDiffer() {
        int[] lengths = lengths(64, new Random(5));
        var first = epoch(new Batches(lengths, 4, 1, true, 1), 0);
        assertThat(epoch(new Batches(lengths, 4, 1, true, 2), 0)).isNotEqualTo(first);
        assertThat(epoch(new Batches(lengths, 4, 1, true, 1), 1)).isNotEqualTo(first);
        assertThat(epoch(new Batches(lengths, 4, 1, true, 1), 0)).isEqualTo(first);
    }

    private static List<List<Integer>> epoch(Batches batches, int epoch) {
        int n = batches.passesPerEpoch();
        return IntStream.rangeClosed(1, n)
                .mapToObj(i -> batches.step((long) epoch * n + i).getFirst())
                .toList();
    }

    @Test
    void withoutShufflingRowsComeAsTheyStandAndFromTheStartAgain() {
        var batches = new Batches(new int[] {9, 1, 8, 2, 7}, 2, 2, false, 1);
        assertThat(batches.step(1)).containsExactly(List.of(0, 1), List.of(2, 3));
        assertThat(batches.step(2)).containsExactly(List.of(4), List.of(0, 1));
        assertThat(batches.step(3)).containsExactly(List.of(2, 3), List.of(4));
        assertThat(batches.step(4)).isEqualTo(batches.step(1));
    }

    @Test
    void likeLengthsComeTogetherAndPassesOfAllLengthsEarly() {
        int[] lengths = lengths(4000, new Random(6));
        var batches = new Batches(lengths, 8, 1, true, 3);
        long padded = 0;
        long real = 0;
        for (List<Integer> pass : epoch(batches, 0)) {
            padded += (long) pass.size() * pass.stream().mapToInt(i -> lengths[i]).max().orElse(0);
            real += pass.stream().mapToInt(i -> lengths[i]).sum();
        }
        assertThat((double) padded / real).isLessThan(1.03); // at random it is 1.78
        // Short ones do not all come first.
        double early =
                epoch(batches, 0).subList(0, 100).stream()
                        .flatMap(List::stream)
                        .mapToInt(i -> lengths[i])
                        .average()
                        .orElse(0);
        assertThat(early).isBetween(200.0, 300.0);
    }

    @Test
    void hugeBatchesAndLateStepsWork() {
        for (boolean shuffle : new boolean[] {true, false}) {
            var all = new Batches(new int[] {3, 1, 2}, Integer.MAX_VALUE, 1, shuffle, 1);
            assertThat(all.passesPerEpoch()).isEqualTo(1);
            assertThat(all.step(5).getFirst()).containsExactlyInAnyOrder(0, 1, 2);
            var late = new Batches(new int[] {3, 1, 2}, 45_000_000, 2, shuffle, 1);
            assertThat(late.step(1L << 50)).hasSize(2);
        }
        assertThat(new Batches(new int[2_000_000], 16, 1, true, 1).step(125_001).getFirst())
                .hasSize(16);
    }

    @Test
    void nonsenseIsRefused() {
        assertThatThrownBy(() -> new Batches(new int[0], 1, 1, true, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Batches(new int[1], 0, 1, true, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Batches(new int[1], 1, 0, true, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Batches(new int[1], 1, 1, true, 1).step(0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
