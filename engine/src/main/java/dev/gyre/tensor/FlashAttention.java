package dev.gyre.tensor;

import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * Scaled dot-product attention without the score matrix: libtorch's CPU kernel, forward and
 * backward. JavaCPP maps no operator whose name begins with an underscore, so they are called
 * through the dispatcher.
 *
 * <p>Shapes: queries [B, H, T, D], keys and values [B, H, S, D]; any strides but the last, which
 * must be 1. Scores are scaled by 1/√D.
 */
public final class FlashAttention {
    private static final String NAME = "aten::_scaled_dot_product_flash_attention_for_cpu";

    private FlashAttention() {}

    private static final class Handles {
        static final OperatorHandle FORWARD = Dispatcher.singleton().findSchemaOrThrow(NAME, "");
        static final OperatorHandle BACKWARD =
                Dispatcher.singleton().findSchemaOrThrow(NAME + "_backward", "");
    }

    /**
     * What the forward pass yields.
     *
     * @param out [B, H, T, D]
     * @param logSumExp of the scaled scores, [B, H, T] up to layout; the backward pass needs it
     */
    public record Result(Tensor out, Tensor logSumExp) {}

    /**
     * Attention of each query to the keys.
     *
     * @param causal query t sees keys 0 … t (T = S)
     * @param mask added to the scaled scores, [T, S] broadcast; null for none
     */
    public static Result forward(
            Tensor q, Tensor k, Tensor v, boolean causal, @Nullable Tensor mask) {
        List<Tensor> out = call(Handles.FORWARD, 2, mask, new Tensor[] {q, k, v}, causal);
        return new Result(out.get(0), out.get(1));
    }

    /**
     * Gradients at queries, keys and values, from the gradient dy [B, H, T, D] at the output.
     *
     * @param mask as the forward pass had it; null for none
     */
    public static List<Tensor> backward(
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            Result forward,
            boolean causal,
            @Nullable Tensor mask) {
        return call(
                Handles.BACKWARD,
                3,
                mask,
                new Tensor[] {dy, q, k, v, forward.out, forward.logSumExp},
                causal);
    }

    private static List<Tensor> call(
            OperatorHandle op,
            int results,
            @Nullable Tensor mask,
            Tensor[] tensors,
            boolean causal) {
        var arguments = new ArrayList<IValue>();
        for (Tensor t : tensors) arguments.add(new IValue(t.torch));
        arguments.add(new IValue(0.0)); // dropout
        arguments.add(new IValue(causal));
        arguments.add(mask == null ? new IValue() : new IValue(mask.torch));
        arguments.add(new IValue()); // scale: 1/√D
        try (var stack = new IValueVector(arguments.toArray(IValue[]::new))) {
            Blas.serially(
                    () -> {
                        op.callBoxed(stack);
                        return stack;
                    });
            var out = new ArrayList<Tensor>();
            for (int i = 0; i < results; i++)
                out.add(new Tensor(new org.bytedeco.pytorch.Tensor(stack.get(i).toTensor())));
            return out;
        } finally {
            arguments.forEach(IValue::close);
        }
    }
}
