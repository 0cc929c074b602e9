/** Frozen weights, each a linear map: one file per encoding. */
@NullMarked
package dev.gyre.quant;

import org.jspecify.annotations.NullMarked;
