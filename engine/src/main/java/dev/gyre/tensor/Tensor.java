package dev.gyre.tensor;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * An n-dimensional array over libtorch's storage. Operations make new tensors in the innermost open
 * {@link Scope}; methods whose names end in {@code InPlace} change this one and return it. Views
 * share storage with what they view. Names are PyTorch's where PyTorch has one. Operands must agree
 * in type; nothing is promoted silently but by {@link #to(DType)}.
 *
 * <p>Not safe for use by two threads at once.
 */
public final class Tensor {
    static {
        Torch.load();
    }

    private static final ScalarTypeOptional NO_TYPE = new ScalarTypeOptional();

    final org.bytedeco.pytorch.Tensor torch;
    Scope scope;
    int index;
    private boolean released;

    @SuppressWarnings("NullAway.Init") // the scope sets itself
    Tensor(org.bytedeco.pytorch.Tensor torch) {
        this.torch = torch;
        Scope.LIVE.incrementAndGet();
        Scope.innermost().add(this);
    }

    @SuppressWarnings("NullAway.Init") // the scope sets itself
    private Tensor(org.bytedeco.pytorch.Tensor torch, Scope home) {
        this.torch = torch;
        Scope.LIVE.incrementAndGet();
        home.add(this);
    }

    void release() {
        if (released) throw new IllegalStateException("the tensor is already freed");
        released = true;
        Scope.LIVE.decrementAndGet();
        torch.close();
    }

    /** Frees this tensor now instead of at the end of its scope. */
    public void free() {
        scope.free(this);
    }

    /**
     * Another handle on the same storage, owned by the given scope: keeps the storage alive for
     * that scope's life.
     */
    public Tensor alias(Scope home) {
        return new Tensor(new org.bytedeco.pytorch.Tensor(torch), home);
    }

    // ---- making

    private interface Factory {
        org.bytedeco.pytorch.Tensor make(
                long[] shape,
                ScalarTypeOptional type,
                LayoutOptional layout,
                DeviceOptional device,
                BoolOptional pinned);
    }

    private static Tensor make(DType type, long[] shape, Factory factory) {
        try (var t = new ScalarTypeOptional(type.torch);
                var layout = new LayoutOptional();
                var device = Device.current().optional();
                var pinned = new BoolOptional()) {
            return new Tensor(factory.make(shape, t, layout, device, pinned));
        }
    }

    /** Uninitialised. */
    public static Tensor empty(DType type, long... shape) {
        long bytes = bytes(type, shape);
        if (Blocks.take(bytes) && Device.current() == Device.CPU)
            return new Tensor(Blocks.empty(type, shape, bytes));
        return make(
                type,
                shape,
                (s, t, l, d, p) -> {
                    try (var format = new MemoryFormatOptional()) {
                        return org.bytedeco.pytorch.global.torch.empty(s, t, l, d, p, format);
                    }
                });
    }

    private static long bytes(DType type, long[] shape) {
        long bytes = type.bytes();
        for (long size : shape) {
            if (size < 0) throw new IllegalArgumentException("shape " + Arrays.toString(shape));
            bytes = Math.multiplyExact(bytes, size);
        }
        return bytes;
    }

    public static Tensor zeros(DType type, long... shape) {
        if (Blocks.take(bytes(type, shape))) return empty(type, shape).fillInPlace(0);
        return make(type, shape, org.bytedeco.pytorch.global.torch::zeros);
    }

    public static Tensor ones(DType type, long... shape) {
        return make(type, shape, org.bytedeco.pytorch.global.torch::ones);
    }

    public static Tensor full(DType type, double value, long... shape) {
        return empty(type, shape).fillInPlace(value);
    }

    /** The identity matrix, [n, n]. */
    public static Tensor eye(DType type, long n) {
        return make(
                type,
                new long[] {n},
                (s, t, l, d, p) -> org.bytedeco.pytorch.global.torch.eye(s[0], t, l, d, p));
    }

    /** 0, 1, … n−1 as I64. */
    public static Tensor arange(long n) {
        long[] values = new long[Math.toIntExact(n)];
        for (int i = 0; i < values.length; i++) values[i] = i;
        return of(values);
    }

    /** A vector of I64. */
    public static Tensor of(long[] values, long... shape) {
        return host(
                DType.I64,
                shape.length == 0 ? new long[] {values.length} : shape,
                values.length,
                s -> MemorySegment.copy(values, 0, s, ValueLayout.JAVA_LONG, 0, values.length));
    }

    /** A vector of I64 from ints. */
    public static Tensor of(int[] values) {
        return of(Arrays.stream(values).asLongStream().toArray());
    }

    /** F32 with the given shape, row-major; a vector when no shape is given. */
    public static Tensor of(float[] values, long... shape) {
        return host(
                DType.F32,
                shape.length == 0 ? new long[] {values.length} : shape,
                values.length,
                s -> MemorySegment.copy(values, 0, s, ValueLayout.JAVA_FLOAT, 0, values.length));
    }

    /** F64 with the given shape, row-major; a vector when no shape is given. */
    public static Tensor of(double[] values, long... shape) {
        return host(
                DType.F64,
                shape.length == 0 ? new long[] {values.length} : shape,
                values.length,
                s -> MemorySegment.copy(values, 0, s, ValueLayout.JAVA_DOUBLE, 0, values.length));
    }

    /** A copy of raw elements, row-major, in native byte order. */
    public static Tensor of(DType type, MemorySegment data, long... shape) {
        return host(type, shape, data.byteSize() / type.bytes(), s -> s.copyFrom(data));
    }

    private static Tensor host(
            DType type, long[] shape, long count, java.util.function.Consumer<MemorySegment> fill) {
        long wanted = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        if (wanted != count)
            throw new IllegalArgumentException(
                    count + " values do not fill shape " + Arrays.toString(shape));
        Device device = Device.current();
        if (device == Device.CPU) {
            Tensor out = empty(type, shape);
            if (count > 0) fill.accept(out.segment());
            return out;
        }
        Tensor onHost = Device.with(Device.CPU, () -> host(type, shape, count, fill));
        return onHost.to(device);
    }

    /** This shape and type, uninitialised. */
    public Tensor emptyLike() {
        if (packedOnHost()) return empty(dtype(), shape());
        return new Tensor(org.bytedeco.pytorch.global.torch.empty_like(torch));
    }

    /** Whether one of its shape, made anew, is where it is and laid out as it is. */
    private boolean packedOnHost() {
        return Device.current() == Device.CPU && !onGpu() && isContiguous();
    }

    public Tensor zerosLike() {
        if (packedOnHost()) return zeros(dtype(), shape());
        return new Tensor(org.bytedeco.pytorch.global.torch.zeros_like(torch));
    }

    // ---- looking

    public DType dtype() {
        return DType.of(torch.scalar_type());
    }

    public int dim() {
        return (int) torch.dim();
    }

    /** The size of one dimension; negative counts from the last. */
    public long size(int dim) {
        return torch.size(dim < 0 ? dim + dim() : dim);
    }

    public long[] shape() {
        long[] shape = new long[dim()];
        for (int i = 0; i < shape.length; i++) shape[i] = torch.size(i);
        return shape;
    }

    public long elements() {
        return torch.numel();
    }

    public long bytes() {
        return elements() * dtype().bytes();
    }

    public boolean isContiguous() {
        return torch.is_contiguous();
    }

    /**
     * The elements in place, row-major: a window on this tensor's own memory, valid while the
     * tensor lives.
     */
    @SuppressWarnings(
            "restricted") // the room's whole purpose: libtorch's memory, with its true length
    public MemorySegment segment() {
        if (!torch.is_contiguous())
            throw new IllegalStateException("only a contiguous tensor has a segment");
        if (torch.is_cuda())
            throw new IllegalStateException(
                    "a tensor on the GPU has no segment; take to(Device.CPU)");
        if (torch.numel() == 0) return MemorySegment.NULL;
        return MemorySegment.ofAddress(torch.data_ptr().address()).reinterpret(bytes());
    }

    /** The value of a tensor with one element. */
    public double item() {
        return torch.item_double();
    }

    public float[] toFloats() {
        return onHost(DType.F32, s -> s.toArray(ValueLayout.JAVA_FLOAT));
    }

    public double[] toDoubles() {
        return onHost(DType.F64, s -> s.toArray(ValueLayout.JAVA_DOUBLE));
    }

    public long[] toLongs() {
        return onHost(DType.I64, s -> s.toArray(ValueLayout.JAVA_LONG));
    }

    public int[] toInts() {
        return Arrays.stream(toLongs()).mapToInt(Math::toIntExact).toArray();
    }

    private <T> T onHost(DType type, Function<MemorySegment, T> read) {
        try (var _ = Scope.open()) {
            return read.apply(to(type).to(Device.CPU).contiguous().segment());
        }
    }

    /** Same shape, type and bits. */
    public boolean sameAs(Tensor other) {
        return dtype() == other.dtype()
                && Arrays.equals(shape(), other.shape())
                && torch.equal(other.torch);
    }

    /** No element is infinite or not a number. */
    public boolean allFinite() {
        // A sum is finite unless a term is not, or it overflows; only then is each element looked
        // at.
        try (var _ = Scope.open()) {
            if (Double.isFinite(sum().item())) return true;
            return new Tensor(new Tensor(torch.isfinite()).torch.all()).item() != 0;
        }
    }

    public boolean onGpu() {
        return torch.is_cuda();
    }

    // ---- views and copies

    public Tensor view(long... shape) {
        return new Tensor(torch.view(shape));
    }

    /** A view where the layout allows it, else a copy. */
    public Tensor reshape(long... shape) {
        return new Tensor(torch.reshape(shape));
    }

    public Tensor transpose(int a, int b) {
        return new Tensor(torch.transpose(a, b));
    }

    public Tensor permute(long... order) {
        return new Tensor(torch.permute(order));
    }

    public Tensor narrow(int dim, long from, long length) {
        return new Tensor(torch.narrow(dim, from, length));
    }

    public Tensor select(int dim, long index) {
        return new Tensor(torch.select(dim, index));
    }

    public Tensor unsqueeze(int dim) {
        return new Tensor(torch.unsqueeze(dim));
    }

    public Tensor expand(long... shape) {
        return new Tensor(torch.expand(shape));
    }

    public Tensor contiguous() {
        return new Tensor(torch.contiguous());
    }

    public Tensor copy() {
        return new Tensor(torch.clone());
    }

    /** Another type; the same tensor's storage when it has that type already. */
    public Tensor to(DType type) {
        return new Tensor(torch.to(type.torch));
    }

    /** Another device; the same tensor's storage when it is there already. */
    public Tensor to(Device device) {
        if (device.holds(this)) return new Tensor(new org.bytedeco.pytorch.Tensor(torch));
        try (var to = device.torch()) {
            return new Tensor(torch.to(to, torch.scalar_type()));
        }
    }

    public Tensor copyFrom(Tensor other) {
        torch.copy_(other.torch);
        return this;
    }

    public Tensor zeroInPlace() {
        torch.zero_();
        return this;
    }

    public Tensor fillInPlace(double value) {
        try (var v = new Scalar(value)) {
            torch.fill_(v);
        }
        return this;
    }

    // ---- arithmetic

    public Tensor plus(Tensor other) {
        return new Tensor(torch.add(other.torch));
    }

    public Tensor plus(double other) {
        return withScalar(other, torch::add);
    }

    public Tensor plusInPlace(Tensor other) {
        torch.add_(other.torch);
        return this;
    }

    public Tensor plusInPlace(double other) {
        try (var v = new Scalar(other)) {
            torch.add_(v);
        }
        return this;
    }

    /** this += factor · other. */
    public Tensor plusInPlace(Tensor other, double factor) {
        try (var f = new Scalar(factor)) {
            torch.add_(other.torch, f);
        }
        return this;
    }

    public Tensor minus(Tensor other) {
        return new Tensor(torch.sub(other.torch));
    }

    public Tensor times(Tensor other) {
        return new Tensor(torch.mul(other.torch));
    }

    public Tensor times(double other) {
        return withScalar(other, torch::mul);
    }

    public Tensor timesInPlace(Tensor other) {
        torch.mul_(other.torch);
        return this;
    }

    public Tensor timesInPlace(double factor) {
        try (var f = new Scalar(factor)) {
            torch.mul_(f);
        }
        return this;
    }

    /** this += factor · a ⊙ b. */
    public Tensor plusProductInPlace(Tensor a, Tensor b, double factor) {
        try (var f = new Scalar(factor)) {
            torch.addcmul_(a.torch, b.torch, f);
        }
        return this;
    }

    /** this += factor · a ⊘ b. */
    public Tensor plusQuotientInPlace(Tensor a, Tensor b, double factor) {
        try (var f = new Scalar(factor)) {
            torch.addcdiv_(a.torch, b.torch, f);
        }
        return this;
    }

    public Tensor dividedBy(Tensor other) {
        return new Tensor(torch.div(other.torch));
    }

    public Tensor dividedBy(double other) {
        return withScalar(other, torch::div);
    }

    public Tensor power(double exponent) {
        return withScalar(exponent, torch::pow);
    }

    public Tensor negate() {
        return new Tensor(torch.neg());
    }

    public Tensor sqrt() {
        return new Tensor(torch.sqrt());
    }

    public Tensor rsqrt() {
        return new Tensor(torch.rsqrt());
    }

    public Tensor exp() {
        return new Tensor(torch.exp());
    }

    public Tensor log() {
        return new Tensor(torch.log());
    }

    public Tensor sin() {
        return new Tensor(torch.sin());
    }

    public Tensor cos() {
        return new Tensor(torch.cos());
    }

    /** The whole part of this ÷ divisor, rounded down. */
    public Tensor floorDividedBy(long divisor) {
        return withScalar((double) divisor, torch::floor_divide).to(dtype());
    }

    /** What {@link #floorDividedBy} leaves. */
    public Tensor remainder(long divisor) {
        return withScalar((double) divisor, torch::remainder).to(dtype());
    }

    /** To the nearest whole number, halves to the even one. */
    public Tensor roundInPlace() {
        torch.round_();
        return this;
    }

    public Tensor sigmoid() {
        return new Tensor(torch.sigmoid());
    }

    public Tensor silu() {
        return new Tensor(org.bytedeco.pytorch.global.torch.silu(torch));
    }

    /** The gradient at this tensor's silu: dy ⊙ silu′(this). */
    public Tensor siluBackward(Tensor dy) {
        return new Tensor(org.bytedeco.pytorch.global.torch.silu_backward(dy.torch, torch));
    }

    public Tensor atMost(double limit) {
        try (var l = new Scalar(limit)) {
            return new Tensor(torch.clamp_max(l));
        }
    }

    private Tensor withScalar(double value, Function<Scalar, org.bytedeco.pytorch.Tensor> op) {
        try (var v = new Scalar(value)) {
            return new Tensor(op.apply(v));
        }
    }

    // ---- comparing and choosing

    public Tensor equalTo(double value) {
        return withScalar(value, torch::eq);
    }

    public Tensor below(Tensor other) {
        return new Tensor(torch.lt(other.torch));
    }

    public Tensor below(double value) {
        return withScalar(value, torch::lt);
    }

    /** Where the mask (BOOL) is true, the value. */
    public Tensor maskedFillInPlace(Tensor mask, double value) {
        try (var v = new Scalar(value)) {
            torch.masked_fill_(mask.torch, v);
        }
        return this;
    }

    public Tensor indexSelect(int dim, Tensor indices) {
        return new Tensor(torch.index_select(dim, indices.torch));
    }

    public Tensor indexAddInPlace(int dim, Tensor indices, Tensor source) {
        torch.index_add_(dim, indices.torch, source.torch);
        return this;
    }

    public Tensor gather(int dim, Tensor indices) {
        return new Tensor(torch.gather(dim, indices.torch));
    }

    public Tensor scatterInPlace(int dim, Tensor indices, Tensor source) {
        torch.scatter_(dim, indices.torch, source.torch);
        return this;
    }

    /** Zeros above the diagonal. */
    public Tensor tril() {
        return new Tensor(torch.tril());
    }

    /** Zeros above the k-th diagonal; −1 is the first one below the main. */
    public Tensor tril(long k) {
        return new Tensor(torch.tril(k));
    }

    public static Tensor cat(List<Tensor> parts, int dim) {
        try (var v = vector(parts)) {
            return new Tensor(org.bytedeco.pytorch.global.torch.cat(v, dim));
        }
    }

    public static Tensor stack(List<Tensor> parts) {
        try (var v = vector(parts)) {
            return new Tensor(org.bytedeco.pytorch.global.torch.stack(v));
        }
    }

    static TensorVector vector(List<Tensor> parts) {
        return new TensorVector(
                parts.stream().map(t -> t.torch).toArray(org.bytedeco.pytorch.Tensor[]::new));
    }

    // ---- reductions

    public Tensor sum() {
        return new Tensor(torch.sum());
    }

    public Tensor sum(int dim, boolean keep) {
        return new Tensor(torch.sum(new long[] {dim}, keep, NO_TYPE));
    }

    public Tensor mean(int dim, boolean keep) {
        return new Tensor(torch.mean(new long[] {dim}, keep, NO_TYPE));
    }

    /** Frobenius norm over all elements. */
    public Tensor norm() {
        return new Tensor(torch.norm());
    }

    public Tensor max() {
        return new Tensor(torch.max());
    }

    /** The largest along one dimension, which goes away; not a number wins. */
    public Tensor max(int dim) {
        return new Tensor(torch.amax(new long[] {dim}, false));
    }

    public Tensor abs() {
        return new Tensor(torch.abs());
    }

    public Tensor argmax(int dim) {
        try (var d = new LongOptional(dim < 0 ? dim + dim() : dim)) {
            return new Tensor(torch.argmax(d, false));
        }
    }

    /** Indices that sort along a dimension. */
    public Tensor argsort(int dim, boolean descending) {
        return new Tensor(torch.argsort(dim, descending));
    }

    public Tensor logSumExp(int dim, boolean keep) {
        return new Tensor(
                org.bytedeco.pytorch.global.torch.logsumexp(torch, new long[] {dim}, keep));
    }

    public Tensor softmax(int dim) {
        return new Tensor(org.bytedeco.pytorch.global.torch.softmax(torch, dim));
    }

    public Tensor logSoftmax(int dim) {
        return new Tensor(org.bytedeco.pytorch.global.torch.log_softmax(torch, dim));
    }

    // ---- products

    /** Matrix product of two matrices, or of stacks of them. */
    public Tensor matmul(Tensor other) {
        if (LargeProducts.fits(this, other))
            return empty(DType.F32, size(0), other.size(1)).intoMatmul(this, other);
        return new Tensor(torch.matmul(other.torch));
    }

    /** Writes a · b into this matrix. */
    public Tensor intoMatmul(Tensor a, Tensor b) {
        if (LargeProducts.fits(this, a, b)) LargeProducts.multiply(this, a, b, 1, 0);
        else org.bytedeco.pytorch.global.torch.mm_out(torch, a.torch, b.torch);
        return this;
    }

    /** this += factor · a · b. */
    public Tensor plusMatmulInPlace(Tensor a, Tensor b, double factor) {
        if (LargeProducts.fits(this, a, b)) {
            LargeProducts.multiply(this, a, b, factor, 1);
            return this;
        }
        try (var one = new Scalar(1.0);
                var f = new Scalar(factor)) {
            torch.addmm_(a.torch, b.torch, one, f);
        }
        return this;
    }

    /** Writes the stack of products a[i] · b[i] into this stack, which may be a strided view. */
    public Tensor intoBmm(Tensor a, Tensor b) {
        org.bytedeco.pytorch.global.torch.bmm_out(torch, a.torch, b.torch);
        return this;
    }

    /** this[i] += a[i] · b[i]. */
    public Tensor plusBmmInPlace(Tensor a, Tensor b) {
        torch.baddbmm_(a.torch, b.torch);
        return this;
    }

    /** x · Wᵀ for rows x [..., in] and W = weight [out, in]. */
    public Tensor linear(Tensor weight) {
        return new Tensor(org.bytedeco.pytorch.global.torch.linear(torch, weight.torch));
    }

    /** X with A · X = B, for stacks of square A = this. */
    public Tensor solve(Tensor b) {
        return new Tensor(org.bytedeco.pytorch.global.torch.linalg_solve(torch, b.torch));
    }

    /** Singular values, largest first. */
    public Tensor singularValues() {
        return new Tensor(org.bytedeco.pytorch.global.torch.linalg_svdvals(torch));
    }

    /**
     * The Fourier transform of real rows, the half that determines the rest: [N, n] → [N, n/2 + 1,
     * 2], real and imaginary parts.
     */
    public Tensor rfft() {
        try (var complex = org.bytedeco.pytorch.global.torch.fft_rfft(torch)) {
            return new Tensor(org.bytedeco.pytorch.global.torch.view_as_real(complex));
        }
    }

    /** The inverse of {@link #rfft} for rows of n numbers: [N, n/2 + 1, 2] → [N, n]. */
    public Tensor irfft(long n) {
        // Through a vector, because a size of 1 may carry a stride that complex numbers cannot
        // have.
        try (var flat = torch.reshape(-1);
                var pairs = flat.view(shape());
                var complex = org.bytedeco.pytorch.global.torch.view_as_complex(pairs);
                var size = new LongOptional(n);
                var norm = new org.bytedeco.pytorch.StringViewOptional()) {
            return new Tensor(org.bytedeco.pytorch.global.torch.fft_irfft(complex, size, -1, norm));
        }
    }

    /**
     * Singular values and vectors: A = U · diag(S) · Vᵀ of A = this [m, n], with k = min(m, n).
     *
     * @return U [m, k], S [k] largest first, Vᵀ [k, n]
     */
    public List<Tensor> svd() {
        try (var driver = new org.bytedeco.pytorch.StringViewOptional();
                var parts = org.bytedeco.pytorch.global.torch.linalg_svd(torch, false, driver)) {
            return List.of(
                    new Tensor(new org.bytedeco.pytorch.Tensor(parts.get0())),
                    new Tensor(new org.bytedeco.pytorch.Tensor(parts.get1())),
                    new Tensor(new org.bytedeco.pytorch.Tensor(parts.get2())));
        }
    }

    /** A = Q · R of A = this [m, n]. @return Q [m, k] with orthonormal columns and R [k, n] */
    public List<Tensor> qr() {
        try (var parts = org.bytedeco.pytorch.global.torch.linalg_qr(torch)) {
            return List.of(
                    new Tensor(new org.bytedeco.pytorch.Tensor(parts.get0())),
                    new Tensor(new org.bytedeco.pytorch.Tensor(parts.get1())));
        }
    }

    @Override
    public String toString() {
        return "Tensor" + Arrays.toString(shape()) + ":" + dtype();
    }
}
