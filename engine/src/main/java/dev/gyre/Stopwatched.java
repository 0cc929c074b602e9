package dev.gyre;

import dev.gyre.adapter.Adapter;
import dev.gyre.data.Encoded;
import dev.gyre.train.Trainer;

import java.util.Arrays;
import java.util.List;

/** Training steps of one adapter on one base, to be timed. */
record Stopwatched(Base base, Adapter adapter, Trainer trainer) implements Gyre.Trial {
    @Override
    public double step(int[][] rows) {
        var examples = Arrays.stream(rows).map(Stopwatched::learnedWhole).toList();
        return trainer.step(List.of(examples), 1e-4).loss();
    }

    /**
     * A row of n tokens is read whole, and its n − 1 last are predicted, as the peers do: the token
     * after it, which nobody knows, is not learned.
     */
    private static Encoded learnedWhole(int[] row) {
        int[] ids = Arrays.copyOf(row, row.length + 1);
        boolean[] learned = new boolean[ids.length];
        Arrays.fill(learned, 0, row.length, true);
        return new Encoded(ids, learned, "a row of random tokens");
    }

    @Override
    public double productsFloor(long tokens) {
        return ProductsFloor.seconds(base.model(), tokens);
    }

    @Override
    public int vocabulary() {
        return base.model().vocabulary();
    }

    @Override
    public long learns() {
        return adapter.trainable();
    }

    @Override
    public void close() {
        trainer.close();
        adapter.close();
        base.close();
    }
}
