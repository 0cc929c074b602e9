/**
 * Fused passes over tensors in the Vector API, for what libtorch has no single operation for, or a
 * slow one. {@link dev.gyre.tensor.kernel.Kernels} says where each applies; where it does not
 * (another type, a GPU, the module {@code jdk.incubator.vector} not there) the caller takes the
 * plain operations, which tests hold the kernel to.
 */
@NullMarked
package dev.gyre.tensor.kernel;

import org.jspecify.annotations.NullMarked;
