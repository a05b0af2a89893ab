package facepredict;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

public class BindingTest {
    private static final File FACE = new File(CasesTest.FOLDER, "pictures/face.bmp");
    private static final File GENDER = new File(CasesTest.FOLDER, "untrained_gender.onnx");
    private static final Options CROPPED = new Options().cropped(true);

    private static void fails(int status, String message, ThrowingRunnable call) {
        FacePredictException error = assertThrows(FacePredictException.class, call);
        assertEquals(error.getMessage(), status, error.status());
        assertTrue(error.getMessage(), error.getMessage().contains(message));
        assertTrue(error.statusName(), error.statusName().startsWith("FACE_PREDICT_ERROR_"));
    }

    @Test
    public void aClosedModel() {
        Model model = Model.loadDefault();
        model.close();
        model.close();
        assertTrue(assertThrows(IllegalStateException.class, () -> model.predict(FACE, CROPPED)).getMessage().contains("closed"));
        assertThrows(IllegalStateException.class, model::name);
    }

    @Test
    public void modelFiles() throws Exception {
        try (Model file = Model.loadFiles(GENDER, GENDER); Model bytes = Model.loadBytes(Files.readAllBytes(GENDER.toPath()))) {
            assertTrue(file.name(), file.name().contains("untrained-gender"));
            assertEquals(file.name(), bytes.name());
        }
        fails(20, "absent ä.onnx", () -> Model.loadFiles(new File("absent ä.onnx")));
        fails(40, "", () -> Model.loadBytes(new byte[] {1, 2, 3}));
        fails(40, "", () -> Model.loadFiles(FACE));
    }

    @Test
    public void wrongPictures() {
        try (Model model = Model.loadDefault(); Model small = Model.loadDefault(100)) {
            ByteBuffer pixels = ByteBuffer.allocateDirect(300);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> new Image(Format.RGB, 10, 10, ByteBuffer.allocate(300)))
                    .getMessage().contains("allocateDirect"));
            assertThrows(IllegalArgumentException.class, () -> new Image(Format.RGB, -1, 10, pixels));
            assertThrows(IllegalArgumentException.class, () -> new Image(Format.RGB, 1, 10, pixels, -3));
            assertThrows(NullPointerException.class, () -> new Image(null, 1, 10, pixels));
            assertThrows(IllegalArgumentException.class, () -> new Region(1, 2, 3, 4, new float[3]));
            assertThrows(IllegalArgumentException.class, () -> new Options().maxFaces(-1));
            assertThrows(IllegalArgumentException.class, () -> model.predict(new File("a\0b"), CROPPED));
            assertThrows(NullPointerException.class, () -> model.predict((File) null, CROPPED));
            assertThrows(NullPointerException.class, () -> model.predict(FACE, null));
            fails(4, "plane 0 has 300 bytes", () -> model.predict(new Image(Format.RGBA, 10, 10, pixels), CROPPED));
            fails(4, "plane 0 has 299 bytes", () -> model.predict(
                    new Image(Format.RGB, 10, 10, ByteBuffer.allocateDirect(300).position(1)), CROPPED));
            fails(1, "planes[0]", () -> model.predict(new Image(Format.RGB, 10, 10, ByteBuffer.allocateDirect(0)), CROPPED));
            fails(2, "45", () -> model.predict(new Image(Format.RGB, 10, 10, pixels).rotated(45, false), CROPPED));
            fails(21, "no JPEG", () -> model.predict(new byte[0], CROPPED));
            fails(21, "no JPEG", () -> model.predict(ByteBuffer.wrap(new byte[] {1, 2}), CROPPED));
            fails(22, "100", () -> small.predict(FACE, CROPPED));
            // The model still works after all this.
            assertEquals(1, model.predict(FACE, CROPPED).faces.size());
        }
    }

    @Test
    public void aBufferIsReadFromItsPosition() throws Exception {
        byte[] rgb = Files.readAllBytes(new File(CasesTest.FOLDER, "pictures/face_rgb.raw").toPath());
        ByteBuffer later = ByteBuffer.allocateDirect(rgb.length + 5).position(5).put(rgb).position(5);
        try (Model model = Model.loadDefault()) {
            Face first = model.predict(new Image(Format.RGB, 96, 108, CasesTest.direct(rgb)), CROPPED).faces.get(0);
            Face second = model.predict(new Image(Format.RGB, 96, 108, later), CROPPED).faces.get(0);
            assertEquals(first.toString(), second.toString());
            assertEquals(5, later.position());
            assertNull(first.landmarks());
            float sum = 0;
            for (float year : first.ageDistribution()) {
                sum += year;
            }
            assertEquals(1, sum, 1e-3);
            assertEquals(1, first.ageAtLeast(-5), 1e-3);
            assertEquals(0, first.ageAtLeast(Float.POSITIVE_INFINITY), 0);
        }
    }

    @Test
    public void threadsShareAModelAndCloseWaits() throws Exception {
        List<String> answers = Collections.synchronizedList(new ArrayList<>());
        List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        Model model = Model.loadDefault();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Thread thread = new Thread(() -> {
                try {
                    for (int n = 0; n < 25; n++) {
                        answers.add(model.predict(FACE, CROPPED).faces.toString());
                    }
                } catch (IllegalStateException closed) {
                    // As it should.
                } catch (Throwable error) {
                    errors.add(error);
                }
            });
            threads.add(thread);
            thread.start();
        }
        while (answers.size() < 10) {
            Thread.sleep(1);
        }
        model.close();
        for (Thread thread : threads) {
            thread.join();
        }
        assertTrue(errors.toString(), errors.isEmpty());
        assertEquals(1, answers.stream().distinct().count());
    }
}
