package dev.gyre.tensor;

import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.global.torch.DeviceType;

import java.util.function.Supplier;

/**
 * Where tensors live and are computed. One device serves a whole process; {@link #use} chooses it
 * at the start.
 */
public enum Device {
    CPU(DeviceType.CPU),
    CUDA(DeviceType.CUDA);

    private static volatile Device current = CPU;
    private final DeviceType type;

    Device(DeviceType type) {
        this.type = type;
    }

    /** The device that new tensors are made on. */
    public static Device current() {
        return current;
    }

    /**
     * Chooses the device for the process.
     *
     * @throws IllegalStateException when this machine or this build has no such device
     */
    public static void use(Device device) {
        if (device == CUDA)
            Torch.cudaObstacle()
                    .ifPresent(
                            why -> {
                                throw new IllegalStateException(why);
                            });
        current = device;
    }

    static <T> T with(Device device, Supplier<T> work) {
        Device before = current;
        current = device;
        try {
            return work.get();
        } finally {
            current = before;
        }
    }

    boolean holds(Tensor tensor) {
        return tensor.onGpu() == (this == CUDA);
    }

    org.bytedeco.pytorch.Device torch() {
        return new org.bytedeco.pytorch.Device(type);
    }

    DeviceOptional optional() {
        try (var device = torch()) {
            return new DeviceOptional(device);
        }
    }
}
