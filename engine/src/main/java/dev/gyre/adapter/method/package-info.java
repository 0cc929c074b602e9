/** The methods, one file each; {@code Methods} lists them. */
@NullMarked
package dev.gyre.adapter.method;

import org.jspecify.annotations.NullMarked;
