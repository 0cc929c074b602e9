package dev.gyre.tensor;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** An operation on the tape that libtorch differentiates by itself. */
final class AutomaticGradient {
    private AutomaticGradient() {}

    /** As {@link Tape#auto}. */
    static Var record(Tape tape, Function<List<Tensor>, Tensor> operation, Var... inputs) {
        List<Var> all = List.of(inputs);
        if (!tape.needs(inputs))
            return Var.constant(operation.apply(all.stream().map(Var::value).toList()));
        var inner = all.stream().map(v -> detached(v.value(), v.needsGradient())).toList();
        Tensor traced = operation.apply(inner);
        Tensor result = new Tensor(traced.torch.detach());
        Tensor graph = tape.save(traced);
        List<Tensor> kept = inner.stream().map(tape::save).toList();
        return tape.record(
                result,
                dy -> {
                    var learning = new ArrayList<Integer>();
                    for (int i = 0; i < all.size(); i++)
                        if (all.get(i).needsGradient()) learning.add(i);
                    try (TensorVector outputs = Tensor.vector(List.of(graph));
                            TensorVector wanted =
                                    Tensor.vector(learning.stream().map(kept::get).toList());
                            TensorVector given = Tensor.vector(List.of(dy));
                            var keep = new BoolOptional();
                            TensorVector got =
                                    torch.grad(outputs, wanted, given, keep, false, true)) {
                        for (int i = 0; i < learning.size(); i++) {
                            var gradient = new Tensor(new org.bytedeco.pytorch.Tensor(got.get(i)));
                            if (gradient.torch.defined())
                                all.get(learning.get(i)).accumulate(gradient);
                        }
                    }
                });
    }

    private static Tensor detached(Tensor value, boolean learns) {
        var copy = new Tensor(value.torch.detach());
        if (learns) copy.torch.set_requires_grad(true);
        return copy;
    }
}
