package dev.gyre.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.data.Encoded;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

/** Examples are shared out evenly or not at all. */
class ShardsTest {
    private static List<Encoded> examples(int... lengths) {
        return Arrays.stream(lengths)
                .mapToObj(n -> new Encoded(new int[n], new boolean[n], "row of " + n))
                .toList();
    }

    @Test
    void eachExampleIsInOneShardAndTheShardsAreAlike() {
        var all = examples(40, 41, 9, 80, 12, 33, 20, 27);
        var shards = Shards.of(all, 3);
        assertThat(shards).hasSize(3);
        assertThat(shards.stream().flatMap(List::stream)).containsExactlyInAnyOrderElementsOf(all);
        for (List<Encoded> shard : shards)
            assertThat(shard.stream().mapToInt(e -> e.ids().length).sum()).isBetween(74, 101);
        assertThat(Shards.of(all, 3)).isEqualTo(shards);
    }

    @Test
    void whatDoesNotSplitEvenlyStaysTogether() {
        var uneven = examples(200, 10, 10);
        assertThat(Shards.of(uneven, 2)).containsExactly(uneven);
        var single = examples(50);
        assertThat(Shards.of(single, 2)).containsExactly(single);
    }
}
