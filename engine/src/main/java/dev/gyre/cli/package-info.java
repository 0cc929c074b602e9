/** One file per command. The only room that knows picocli. */
@NullMarked
package dev.gyre.cli;

import org.jspecify.annotations.NullMarked;
