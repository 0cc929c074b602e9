package dev.gyre.cli;

import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.format.AtomicFile;

import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The loss of a run as a PNG; drawn without a screen. */
final class LossPicture {
    private LossPicture() {}

    /**
     * Draws a curve to a file.
     *
     * @throws UserError when the file cannot be written
     */
    static void write(LossCurve curve, Path file) {
        System.setProperty("java.awt.headless", "true");
        XYChart chart =
                new XYChartBuilder()
                        .width(900)
                        .height(540)
                        .title("Loss")
                        .xAxisTitle("step")
                        .yAxisTitle("mean loss of a learned token")
                        .build();
        chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setYAxisMin(0.0);
        series(chart, "training", curve.trained());
        series(chart, "held out", curve.heldOut());
        try {
            var png = new ByteArrayOutputStream();
            BitmapEncoder.saveBitmap(chart, png, BitmapFormat.PNG);
            AtomicFile.write(file, AtomicFile.bytes(png.toByteArray()));
        } catch (IOException e) {
            throw new UserError("cannot draw the chart " + file + ": " + Reasons.of(e), e);
        }
    }

    private static void series(XYChart chart, String name, List<LossCurve.Point> points) {
        if (points.isEmpty()) return;
        double[] x = points.stream().mapToDouble(LossCurve.Point::step).toArray();
        double[] y = points.stream().mapToDouble(LossCurve.Point::loss).toArray();
        chart.addSeries(name, x, y)
                .setMarker(points.size() == 1 ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
    }
}
