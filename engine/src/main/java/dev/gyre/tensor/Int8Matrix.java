package dev.gyre.tensor;

import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Type.TypePtr;
import org.bytedeco.pytorch.global.torch;

import java.util.Locale;

/**
 * A frozen matrix of signed 8-bit integers, packed by oneDNN for products with rows of unsigned
 * ones. The sums are exact (32-bit integers), so a row's result does not depend on the rows beside
 * it. Unsigned rows with the zero point 128, because oneDNN has no fast product of signed ones on
 * most processors.
 *
 * <p>A processor without dot products of bytes (VNNI, AMX) adds pairs of products in 16 bits, which
 * silently saturate; PyTorch's own answer there is weights of 7 bits. Here the rows are multiplied
 * in two parts, of 7 bits and of one: as exact, at twice the cost.
 */
public final class Int8Matrix {
    /** What an unsigned row holds for 0. */
    public static final int ZERO_POINT = 128;

    private static final int NO_POINT = 0;
    private static final int FLOAT = DType.F32.torch.value;

    private final Tensor packed;
    private final Tensor scales;
    private final Tensor zeros;

    private Int8Matrix(Tensor packed, Tensor scales, Tensor zeros) {
        this.packed = packed;
        this.scales = scales;
        this.zeros = zeros;
    }

    private static final class Handles {
        static final OperatorHandle PACK =
                Dispatcher.singleton().findSchemaOrThrow("onednn::qlinear_prepack", "");
        static final OperatorHandle PRODUCT =
                Dispatcher.singleton().findSchemaOrThrow("onednn::qlinear_pointwise", "");

        /** An empty list of the type that the operator's post_op_args has. */
        @SuppressWarnings("resource") // lives as long as the process
        static final GenericList NO_ARGUMENTS =
                new GenericList(
                        new TypePtr(PRODUCT.schema().arguments().getPointer(11).type())
                                .get()
                                .containedType(0));
    }

    /** Whether products of the largest numbers are off on this processor. */
    private static final class Saturation {
        static final boolean HAPPENS = happens();

        private static boolean happens() {
            int width = 64;
            try (var home = Scope.open()) {
                Tensor codes = Tensor.full(DType.I8, 127, width, width);
                Tensor ones = Tensor.ones(DType.F32, width);
                Tensor rows = Tensor.full(DType.U8, 255, width, width);
                Tensor product = pack(codes, ones, home).times(rows, ZERO_POINT);
                return product.minus(Tensor.full(DType.F32, 127 * 127 * width, width, width))
                                .abs()
                                .max()
                                .item()
                        > 0;
            }
        }
    }

    /** Whether this machine's libtorch has these products: on x86-64 it does. */
    public static boolean possible() {
        String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        return Device.current() == Device.CPU && (arch.equals("amd64") || arch.equals("x86_64"));
    }

    /** Whether this processor needs two products for each, because pairs of bytes saturate. */
    public static boolean inTwoParts() {
        return Saturation.HAPPENS;
    }

    /**
     * Packs a matrix.
     *
     * @param codes [out, in], I8
     * @param scales factor of each row of the matrix, [out]
     * @param home owns the packed copy
     */
    public static Int8Matrix pack(Tensor codes, Tensor scales, Scope home) {
        try (var _ = Scope.open()) {
            Tensor packed = call(Handles.PACK, new IValue(codes.torch), new IValue());
            Tensor zeros = Tensor.zeros(DType.I32, codes.size(0));
            return new Int8Matrix(home.adopt(packed), home.adopt(scales.copy()), home.adopt(zeros));
        }
    }

    /**
     * rows · codesᵀ · diag(scales).
     *
     * @param rows [N, in], U8, {@link #ZERO_POINT} for 0
     * @return [N, out], F32
     */
    public Tensor times(Tensor rows) {
        if (!Saturation.HAPPENS) return times(rows, ZERO_POINT);
        try (var here = Scope.open();
                var one = new Scalar(1)) {
            var high = new Tensor(torch.bitwise_right_shift(rows.torch, one));
            var low = new Tensor(torch.bitwise_and(rows.torch, one));
            Tensor product = times(high, ZERO_POINT / 2).timesInPlace(2);
            return here.give(product.plusInPlace(times(low, 0)));
        }
    }

    private Tensor times(Tensor rows, int zeroPoint) {
        return call(
                Handles.PRODUCT,
                new IValue(rows.torch),
                new IValue(1.0),
                new IValue((long) zeroPoint),
                new IValue(packed.torch),
                new IValue(scales.torch),
                new IValue(zeros.torch),
                new IValue(), // bias
                new IValue(1.0),
                new IValue((long) NO_POINT),
                new IValue((long) FLOAT),
                new IValue("none"),
                new IValue(Handles.NO_ARGUMENTS),
                new IValue(""));
    }

    /** Bytes of the packed matrix and its scales. */
    public long bytes() {
        return packed.bytes() + scales.bytes() + zeros.bytes();
    }

    private static Tensor call(OperatorHandle op, IValue... arguments) {
        try (var stack = new IValueVector(arguments)) {
            op.callBoxed(stack);
            try (IValue result = stack.get(0)) {
                return new Tensor(new org.bytedeco.pytorch.Tensor(result.toTensor()));
            }
        } finally {
            for (IValue argument : arguments) argument.close();
        }
    }
}
