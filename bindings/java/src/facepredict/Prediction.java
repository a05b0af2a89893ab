package facepredict;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The faces of a picture, with the largest first. */
public final class Prediction {
    /** The size of the upright picture in pixels. */
    public final int width, height;
    public final List<Face> faces;

    private Prediction(int width, int height, List<Face> faces) {
        this.width = width;
        this.height = height;
        this.faces = List.copyOf(faces);
    }

    /** Copies what a result holds. */
    static Prediction of(long result) {
        int[] size = Native.size(result);
        double[] all = Native.faces(result);
        List<Face> faces = new ArrayList<>();
        for (int i = 0; i < all.length / Face.NUMBERS; i++) {
            faces.add(new Face(Arrays.copyOfRange(all, Face.NUMBERS * i, Face.NUMBERS * (i + 1)), Native.years(result, i)));
        }
        return new Prediction(size[0], size[1], faces);
    }
}
