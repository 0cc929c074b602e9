/** Tensors, scopes, devices, the tape and its kernels. The only room that knows libtorch. */
@NullMarked
package dev.gyre.tensor;

import org.jspecify.annotations.NullMarked;
