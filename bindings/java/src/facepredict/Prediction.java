package facepredict;

import java.util.List;

/** The faces of a picture, the largest first. */
public final class Prediction {
    /** Size of the upright picture in pixels. */
    public final int width, height;
    public final List<Face> faces;

    Prediction(int width, int height, List<Face> faces) {
        this.width = width;
        this.height = height;
        this.faces = List.copyOf(faces);
    }
}
