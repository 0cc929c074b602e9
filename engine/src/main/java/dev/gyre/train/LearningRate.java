package dev.gyre.train;

/**
 * The learning rate of each step, as transformers' schedules have it: it rises from 0 over the
 * warmup, then stays, falls linearly, or falls as half a cosine, to 0 after the last step.
 *
 * @param highest after the warmup
 * @param warmup steps of rising
 * @param steps of the whole run
 */
public record LearningRate(Recipe.Schedule schedule, double highest, long warmup, long steps) {

    /**
     * The recipe's warmup in steps: below 1 a share of the run, rounded to whole steps; from 1 a
     * number of steps.
     */
    public static LearningRate of(Recipe recipe, double highest, long steps) {
        double w = recipe.warmup();
        long warmup = w < 1 ? (long) (w * steps) : (long) w;
        return new LearningRate(recipe.schedule(), highest, warmup, steps);
    }

    /**
     * The rate of a step.
     *
     * @param step from 1
     */
    public double at(long step) {
        long done = step - 1;
        if (done < warmup) return highest * done / warmup;
        double left = Math.max(1, steps - warmup);
        return highest
                * switch (schedule) {
                    case CONSTANT -> 1;
                    case LINEAR -> Math.max(0, (steps - done) / left);
                    case COSINE ->
                            Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (done - warmup) / left)));
                };
    }
}
