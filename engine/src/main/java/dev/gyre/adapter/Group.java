package dev.gyre.adapter;

import dev.gyre.tensor.Var;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Learned numbers from … from+count−1 that move alike.
 *
 * @param factor on the learning rate
 * @param byGradient whether they move by the rate times their gradient instead of by the
 *     optimiser's rule
 */
public record Group(long from, long count, double factor, boolean byGradient) {
    /** The groups of a method's tensors and of those that replace the base's, one after another. */
    static List<Group> of(
            Method.Attachment method, Map<String, Var> learned, Map<String, Var> replaced) {
        var groups = new ArrayList<Group>();
        learned.forEach(
                (name, var) ->
                        add(
                                groups,
                                var,
                                method.learningRateFactor(name),
                                method.movesByGradient(name)));
        replaced.values().forEach(var -> add(groups, var, 1, false));
        return groups;
    }

    private static void add(List<Group> groups, Var var, double factor, boolean byGradient) {
        long count = var.value().elements();
        long from = groups.isEmpty() ? 0 : groups.getLast().from + groups.getLast().count;
        if (count == 0) return;
        boolean joins =
                !groups.isEmpty()
                        && groups.getLast().factor == factor
                        && groups.getLast().byGradient == byGradient;
        if (joins) {
            Group last = groups.removeLast();
            groups.add(new Group(last.from, last.count + count, factor, byGradient));
        } else {
            groups.add(new Group(from, count, factor, byGradient));
        }
    }
}
