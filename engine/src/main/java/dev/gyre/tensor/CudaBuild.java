package dev.gyre.tensor;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/** The part of libtorch that computes on NVIDIA GPUs, where the class path has it. */
final class CudaBuild {
    private static final String NATIVES = "/org/bytedeco/pytorch/linux-x86_64-gpu/";

    private CudaBuild() {}

    /** Whether the natives in the class path are those for CUDA. */
    static boolean present() {
        return CudaBuild.class.getResource(NATIVES + "libtorch_cuda.so") != null;
    }

    /**
     * Why no CUDA device can be used, and what to do about it; empty when one can.
     *
     * @throws LinkageError when libtorch itself cannot be loaded
     */
    static Optional<String> obstacle() {
        if (!present())
            return Optional.of(
                    "the libtorch in the class path computes on the CPU only. On Linux x86-64"
                            + " ./gyre takes the other one by itself when it reads --device cuda;"
                            + " a program of your own builds with mvn -Pcuda");
        Torch.load();
        try {
            load();
        } catch (UnsatisfiedLinkError e) {
            return Optional.of(librariesMissing(e));
        }
        return torch.cuda_is_available()
                ? Optional.empty()
                : Optional.of(
                        "libtorch finds no NVIDIA GPU that it can use; nvidia-smi must list one,"
                                + " with a driver for CUDA 13 or newer");
    }

    /** What to say when a library that the natives stand on is not on this machine. */
    static String librariesMissing(LinkageError e) {
        return "CUDA's libraries cannot be loaded: "
                + Torch.reason(e)
                + ". Run tools/cuda, which fetches them; or install CUDA 13, cuDNN 9 and NCCL 2"
                + " where LD_LIBRARY_PATH leads";
    }

    /**
     * JavaCPP loads this part from a machine's second run on: in the first it tries before it has
     * unpacked the libraries beneath, and says nothing when that fails.
     */
    @SuppressWarnings("restricted") // a library of libtorch's, from where JavaCPP unpacked it
    private static void load() {
        try {
            unpacked("libc10_cuda.so");
            unpacked("libtorch_cuda_linalg.so"); // libtorch looks for it beside the next one
            System.load(unpacked("libtorch_cuda.so").getPath());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack libtorch's part for CUDA", e);
        }
    }

    private static File unpacked(String library) throws IOException {
        return Loader.cacheResource(torch.class, NATIVES + library);
    }
}
