// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import Testing

@testable import FrameProtocol

/// Swift reads and writes by offset, where the header's structs have their fields. The numbers are
/// those of version 1 of the protocol: clients built long ago rely on them.
@Suite struct WireLayoutTests {
    @Test func sizesStayAsTheyAre() {
        #expect(WireHeader.byteCount == 32)
        #expect(WirePlane.byteCount == 8)
        #expect(WireOpen.byteCount == 328)
        #expect(WireCamera.byteCount == 176)
        #expect(WireHistory.byteCount == 216)
        #expect(WireFrame.byteCount == 208)
        #expect(WireSlot.byteCount == 8)
        #expect(WireShare.byteCount == 24)
        #expect(WireOpened.byteCount == 304)
        #expect(WirePicture.byteCount == 360)
        #expect(WireError.byteCount == 344)
    }

    @Test func headerAndPlaneFieldsKeepTheirPlaces() {
        #expect(WireHeader.magic == 0)
        #expect(WireHeader.version == 4)
        #expect(WireHeader.type == 6)
        #expect(WireHeader.flags == 8)
        #expect(WireHeader.bodyBytes == 12)
        #expect(WireHeader.payloadBytes == 16)
        #expect(WireHeader.frameID == 24)
        #expect(WirePlane.kind == 0)
        #expect(WirePlane.format == 1)
        #expect(WirePlane.channel == 2)
        #expect(WirePlane.flags == 3)
        #expect(WirePlane.rowStride == 4)
    }

    @Test func sharedMemoryFieldsKeepTheirPlaces() {
        #expect(WireSlot.slot == 0)
        #expect(WireSlot.reserved == 4)
        #expect(WireShare.slotBytes == 0)
        #expect(WireShare.pictureOffset == 8)
        #expect(WireShare.slotCount == 16)
        #expect(WireShare.reserved == 20)
    }

    @Test func openFieldsKeepTheirPlaces() {
        #expect(WireOpen.features == 0)
        #expect(WireOpen.width == 8)
        #expect(WireOpen.height == 12)
        #expect(WireOpen.planeCount == 16)
        #expect(WireOpen.origin == 17)
        #expect(WireOpen.mailbox == 18)
        #expect(WireOpen.viewIndex == 19)
        #expect(WireOpen.pictureFormat == 20)
        #expect(WireOpen.transport == 21)
        #expect(WireOpen.normalSpace == 22)
        #expect(WireOpen.axes == 23)
        #expect(WireOpen.depthKind == 24)
        #expect(WireOpen.roughnessKind == 25)
        #expect(WireOpen.motionDirection == 26)
        #expect(WireOpen.motionFlags == 27)
        #expect(WireOpen.frameBudget == 28)
        #expect(WireOpen.depthScale == 32)
        #expect(WireOpen.motionScaleX == 36)
        #expect(WireOpen.motionScaleY == 40)
        #expect(WireOpen.controlScale == 44)
        #expect(WireOpen.adapterScale == 46)
        #expect(WireOpen.depthNear == 48)
        #expect(WireOpen.depthFar == 56)
        #expect(WireOpen.seed == 64)
        #expect(WireOpen.model == 72)
        #expect(WireOpen.clientName == 136)
        #expect(WireOpen.planes == 200)
    }

    @Test func cameraHistoryAndFrameFieldsKeepTheirPlaces() {
        #expect(WireCamera.fx == 0)
        #expect(WireCamera.fy == 8)
        #expect(WireCamera.cx == 16)
        #expect(WireCamera.cy == 24)
        #expect(WireCamera.near == 32)
        #expect(WireCamera.far == 40)
        #expect(WireCamera.cameraToWorld == 48)
        #expect(WireHistory.width == 0)
        #expect(WireHistory.height == 4)
        #expect(WireHistory.flags == 8)
        #expect(WireHistory.reserved == 12)
        #expect(WireHistory.frameID == 16)
        #expect(WireHistory.seed == 24)
        #expect(WireHistory.jitterX == 32)
        #expect(WireHistory.jitterY == 36)
        #expect(WireHistory.camera == 40)
        #expect(WireFrame.motionFrom == 0)
        #expect(WireFrame.clientTime == 8)
        #expect(WireFrame.exposure == 16)
        #expect(WireFrame.historyTrust == 20)
        #expect(WireFrame.jitterX == 24)
        #expect(WireFrame.jitterY == 28)
        #expect(WireFrame.camera == 32)
    }

    @Test func replyFieldsKeepTheirPlaces() {
        #expect(WireOpened.sessionID == 0)
        #expect(WireOpened.features == 8)
        #expect(WireOpened.plannedBytes == 16)
        #expect(WireOpened.payloadBytes == 24)
        #expect(WireOpened.pictureBytes == 32)
        #expect(WireOpened.maxFramesInFlight == 40)
        #expect(WireOpened.history == 44)
        #expect(WireOpened.model == 48)
        #expect(WireOpened.modelVersion == 112)
        #expect(WireOpened.precision == 144)
        #expect(WireOpened.kernelPath == 160)
        // Where the body of version 1 ended at first: clients must take one that ends here.
        #expect(WireOpened.precisionReason == 208)
        #expect(WireError.code == 0)
        #expect(WireError.severity == 4)
        #expect(WireError.value == 8)
        #expect(WireError.limit == 16)
        #expect(WireError.field == 24)
        #expect(WireError.text == 88)
    }

    @Test func pictureFieldsKeepTheirPlaces() {
        #expect(WirePicture.clientTime == 0)
        #expect(WirePicture.historyFrame == 8)
        #expect(WirePicture.read == 16)
        #expect(WirePicture.queue == 24)
        #expect(WirePicture.convert == 32)
        #expect(WirePicture.render == 40)
        #expect(WirePicture.encode == 48)
        #expect(WirePicture.age == 56)
        #expect(WirePicture.nextSend == 64)
        #expect(WirePicture.load == 72)
        #expect(WirePicture.computedShare == 76)
        #expect(WirePicture.width == 80)
        #expect(WirePicture.height == 84)
        #expect(WirePicture.rowStride == 88)
        #expect(WirePicture.format == 92)
        #expect(WirePicture.historyPercent == 96)
        #expect(WirePicture.skyPercent == 97)
        #expect(WirePicture.awayPercent == 98)
        #expect(WirePicture.colorError == 99)
        #expect(WirePicture.droppedCount == 100)
        #expect(WirePicture.droppedIDs == 104)
    }

    @Test func textsStayAsLongAsTheyAre() {
        #expect(WireOpen.textByteCount == 64)
        #expect(WireOpened.modelByteCount == 64)
        #expect(WireOpened.modelVersionByteCount == 32)
        #expect(WireOpened.precisionByteCount == 16)
        #expect(WireOpened.kernelPathByteCount == 48)
        #expect(WireOpened.precisionReasonByteCount == 96)
        #expect(WireError.fieldByteCount == 64)
        #expect(WireError.textByteCount == 256)
    }

    @Test func limitsAreThoseOfTheHeader() {
        #expect(UInt32(ConditioningScales.limit) == FL_MAX_SCALE)
        #expect(FrameSize.sides == Int(FL_MIN_SIDE)...Int(FL_MAX_SIDE))
    }
}
