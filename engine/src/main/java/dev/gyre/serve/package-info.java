/** The decoding engine and its sampler. */
@NullMarked
package dev.gyre.serve;

import org.jspecify.annotations.NullMarked;
